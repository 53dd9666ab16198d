"""A sigmoid between two layers lets at most a quarter of the gradient through.

The slope of the sigmoid is at most 1/4, and nearly nothing where its input is large: with every such layer less of the
gradient arrives at the ones before.

The tip: take ReLU or one of its relatives between layers, and keep the sigmoid for outputs that have to lie in [0, 1].

What to do: put ReLU in its place. The parameters are the same, but a trained network has to be trained again.

What it costs: nothing; ReLU is cheaper to compute. A ReLU network is best started by He initialisation
(`nn.init.kaiming_normal_`, arXiv:1502.01852), whose weights have 2.4 times the deviation of torch's default; with batch
norm it matters little.

What is known today: Glorot and Bengio 2010 (Understanding the difficulty of training deep feedforward neural networks)
show how the last hidden layer of sigmoid networks saturates at once; Krizhevsky, Sutskever and Hinton 2012 (ImageNet
classification with deep convolutional neural networks) reach the same training error several times faster with ReLU
than with tanh. Behind batch norm, which keeps its input small, the sigmoid is less harmful.

Quiet when: its result is multiplied or added to something (gates, squeeze and excitation, attention) or read by several
operations; it is the network's output; what it reads is normalised; it makes an image or a few probabilities for the
next stage (at most four channels or features).

The fix is unsafe: the network with ReLU computes something else, and has to be trained again.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from nnlint.edits import replace_callee
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, average_pooling, dropout, identity, max_pooling, normalisation, reshaping
from nnlint.rule import bad, fix, good, graph_rule
from nnlint.structure import layer_after, layer_before

sigmoid = Kind.of("sigmoid", "hardsigmoid")
between = dropout | identity | reshaping | average_pooling | max_pooling
#: so many channels may be an image, or the probabilities of the stage before
FEW = 4


@bad(input="3x32x32")
def in_a_convolutional_network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.Sigmoid(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.Sigmoid()
    )


@bad(input="784")
def in_a_class() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.score = nn.Linear(784, 128), nn.Linear(128, 10)
            self.act = nn.Sigmoid()

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.score(self.act(self.hidden(x)))
            return out

    return Net()


@bad(input="784")
def as_a_method() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.score = nn.Linear(784, 128), nn.Linear(128, 10)
            self.drop = nn.Dropout(0.2)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.score(self.drop(self.hidden(x).sigmoid()))
            return out

    return Net()


@good(input="3x32x32")
def rectifier() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1)
    )


@good(input="3x32x32")
def squeeze_and_excitation() -> nn.Module:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.last = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
            self.gate = nn.Sequential(
                nn.AdaptiveAvgPool2d(1),
                nn.Conv2d(16, 4, 1),
                nn.ReLU(inplace=True),
                nn.Conv2d(4, 16, 1),
                nn.Sigmoid(),
            )

        def forward(self, x: Tensor) -> Tensor:
            x = nn.functional.relu(self.conv(x), inplace=True)
            out: Tensor = self.last(x * self.gate(x))
            return out

    return Scaled()


@good(input="16")
def at_the_output() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 8), nn.Sigmoid())


@good(input="784")
def normalised() -> nn.Module:
    return nn.Sequential(nn.Linear(784, 64, bias=False), nn.BatchNorm1d(64), nn.Sigmoid(), nn.Linear(64, 10))


@good(input="16x8x8")
def an_image_for_the_next_network() -> nn.Module:
    generator = nn.Sequential(nn.Conv2d(16, 3, 3, padding=1), nn.Sigmoid())
    judge = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.LeakyReLU(0.2, inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(16, 1),
    )  # fmt: skip
    return nn.Sequential(generator, judge)


@graph_rule(category="activation", level="warning", since="0.1", tips=("squash-at-output-only", "relu-family"))
def check(graph: Graph) -> Iterator[Finding]:
    """The sigmoids that lead from one layer to the next and nowhere else."""
    for op in graph.find(sigmoid):
        before, after = layer_before(op, past=dropout | identity | reshaping), layer_after(op, past=between)
        if before is not None and after is not None and (before.hyper.out_channels or 0) > FEW and not is_normed(op):
            yield op.finding(
                f"{op} squashes what {before} hands on to {after}: at most 1/4 of the gradient comes back through it; "
                f"use ReLU between layers",
                before,
                after,
            )


def is_normed(op: Op) -> bool:
    """Whether a norm stands before it."""
    return any(source in normalisation for source in op.back(past=dropout | identity | reshaping))


@fix(safe=False)
def mend(finding: Finding) -> Edit | None:
    """ReLU in its place, in the same spelling."""
    op = finding.subjects[0]
    return replace_callee(op, "ReLU" if op.module is not None else "relu")

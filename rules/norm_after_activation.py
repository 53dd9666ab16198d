"""Batch norm stands after the activation instead of before it.

Batch norm before the activation gives a rectifier values around zero: about half of them pass at first, whatever the
layer before does. After the activation it centres values that the rectifier has already cut off, and the next layer
gets negative inputs again.

The tip: use batch norm, and put it before the non-linearity.

What to do: swap the two, so that convolution (without bias), batch norm and activation follow each other. The
parameters stay the same; a trained network has to be trained again.

What it costs: nothing in parameters. In this order the norm cannot be folded into the layer before it for inference,
since the activation lies between; in front of the activation it can.

What is known today: Ioffe and Szegedy 2015 (arXiv:1502.03167) put the norm before the non-linearity, and nearly all
published networks do. The evidence is mixed, though: Mishkin et al. 2016 (arXiv:1606.02228) found batch norm after ReLU
no worse, and better for their small ImageNet network, so this is a note on convention and not a fault. Speaker
recognition networks of the x-vector kind are published in this order.

Quiet when: the norm reads a sum, a concatenation or pooled values, as in pre-activation ResNets and DenseNets; it is a
layer norm or any other norm that does not look at the batch; the activation has other readers; the norm is frozen;
there is another norm before the activation.

The fix is unsafe: the network computes other numbers.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from nnlint.edits import swap
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import activation, identity
from nnlint.rule import bad, fix, good, graph_rule
from nnlint.structure import batch_norms_in_training, layer_before


@bad(input="3x32x32")
def sequential() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(inplace=True), nn.BatchNorm2d(32))


@bad(input="16")
def attributes() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = nn.Linear(16, 64)
            self.activation = nn.LeakyReLU(0.1)
            self.norm = nn.BatchNorm1d(64)
            self.head = nn.Linear(64, 2)

        def forward(self, x: Tensor) -> Tensor:
            x = self.hidden(x)
            x = self.activation(x)
            x = self.norm(x)
            out: Tensor = self.head(x)
            return out

    return Net()


@bad(input="3x32x32")
def functional() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 32, 3, padding=1)
            self.norm = nn.BatchNorm2d(32)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.norm(nn.functional.relu(self.conv(x)))
            return out

    return Net()


@good(input="3x32x32")
def norm_first() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(inplace=True))


@good(input="32x16x16")
def pre_activation() -> nn.Module:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Sequential(nn.BatchNorm2d(32), nn.ReLU(inplace=True))
            self.conv = nn.Conv2d(32, 32, 3, padding=1, bias=False)
            self.second = nn.Sequential(nn.BatchNorm2d(32), nn.ReLU(inplace=True))

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.second(x + self.conv(self.first(x)))
            return out

    return Block()


@good(input="16x16x16")
def after_a_concatenation() -> nn.Module:
    class Dense(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(16, 16, 3, padding=1)
            self.norm = nn.BatchNorm2d(32)
            self.next = nn.Conv2d(32, 16, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.norm(nn.functional.pad(x, (0, 0, 0, 0, 0, 16)) + self.conv(x).relu_().repeat(1, 2, 1, 1))
            out: Tensor = self.next(x.relu_())
            return out

    return Dense()


@good(input="3x32x32")
def pooled_before_the_norm() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(32),
        nn.Conv2d(32, 64, 3, padding=1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
    )


@good(input="8x64")
def layer_norm() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 64), nn.GELU(), nn.LayerNorm(64), nn.Linear(64, 64))


@good(input="32x16x16")
def another_reader() -> nn.Module:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(32, 32, 3, padding=1)
            self.norm = nn.BatchNorm2d(32)
            self.second = nn.Conv2d(32, 32, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x).relu_()
            out: Tensor = x + self.second(self.norm(x).relu_())
            return out

    return Block()


@good(input="3x32x32")
def frozen() -> nn.Module:
    net = nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(inplace=True), nn.BatchNorm2d(32))
    net[2].eval()
    return net


@good(input="3x32x32")
def norm_before_the_activation_too() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(32),
        nn.MaxPool2d(2),
    )


@graph_rule(category="normalisation", level="info", since="0.1", tips=("batch-norm", "norm-before-activation"))
def check(graph: Graph) -> Iterator[Finding]:
    """Looks for the straight line layer, activation, batch norm."""
    for norm in batch_norms_in_training(graph):
        function = activation_before(norm)
        layer = layer_before(function, past=identity) if function is not None else None
        if function is not None and layer is not None:
            yield norm.finding(
                f"{norm} comes after the activation {function} of {layer}; put it between the two",
                function,
                layer,
            )


def activation_before(norm: Op) -> Op | None:
    """The activation that nothing but this norm reads."""
    source = norm.inputs[0] if norm.inputs else None
    while source is not None and source in identity and len(source.users) == len(source.inputs) == 1:
        source = source.inputs[0]
    return source if source is not None and source in activation and len(source.users) == 1 else None


@fix(safe=False)
def exchange(finding: Finding) -> tuple[Edit, ...] | None:
    """The activation and the norm change places."""
    norm, function = finding.subjects[:2]
    return swap(function, norm)

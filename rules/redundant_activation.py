"""An activation changes nothing, or is applied a second time.

ReLU of numbers that are not negative gives the same numbers: after another ReLU, a sigmoid, a softmax, and poolings or
dropout behind them. The operation costs time and memory for nothing. A sigmoid of a sigmoid, or a softmax of a softmax,
does change the numbers, and squeezes them together: between 0.5 and 0.73, or towards equal shares.

What to do: drop the second one.

What it costs: nothing; where the second changes nothing the network stays the same. Where a sigmoid or softmax is
dropped the results are others, and a trained network has to be trained again.

What is known today: the usual cause is a block that ends with an activation, called by code that applies one of its
own, or a sigmoid in the network beside one in the training loop.

Quiet when: the first one lets negative numbers through (LeakyReLU, ELU, GELU, tanh); anything between them can make a
number negative (a layer, a norm, a sum); the same module or line serves another place where it is needed.

The fix is safe: it drops an activation whose result is what it reads, to the last bit; where that would renumber the
layers behind it, an identity takes its place. For a sigmoid of a sigmoid there is none.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from nnlint.edits import remove_op
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, average_pooling, identity, max_pooling, rearranging, reshaping, softmax
from nnlint.rule import bad, fix, good, graph_rule
from nnlint.structure import by_expression

#: gives no negative number
never_negative = softmax | Kind.of("relu", "relu6", "sigmoid", "hardsigmoid", "softplus")
#: gives what it reads, if that is not negative
keeps_positive = Kind.of("relu", "leaky_relu", "elu", "celu")
#: of numbers that are not negative it makes others that are not
keeps_sign = max_pooling | average_pooling | identity | reshaping | rearranging | Kind.of("dropout", "dropout2d")
#: applied twice it squeezes
squeezing = Kind.of("sigmoid", "softmax")


@bad(input="3x32x32")
def twice_in_a_row() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
    )


@bad(input="784")
def after_softmax() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.score = nn.Linear(784, 128), nn.Linear(128, 10)

        def forward(self, x: Tensor) -> Tensor:
            return F.relu(F.softmax(self.score(F.relu(self.hidden(x))), dim=1))

    return Net()


@bad(input="784")
def sigmoid_of_a_sigmoid() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = nn.Linear(784, 128)
            self.head = nn.Sequential(nn.Linear(128, 1), nn.Sigmoid())

        def forward(self, x: Tensor) -> Tensor:
            return torch.sigmoid(self.head(F.relu(self.hidden(x))))

    return Net()


@bad(input="3x32x32")
def block_that_ends_with_one() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = nn.Sequential(
                nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)
            )
            self.relu = nn.ReLU()
            self.last = nn.Conv2d(16, 16, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.last(self.relu(self.block(x)))
            return out

    return Net()


@good(input="3x32x32")
def once() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1)
    )


@good(input="784")
def first_lets_negative_numbers_through() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.score = nn.Linear(784, 128), nn.Linear(128, 10)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            hidden = F.leaky_relu(self.hidden(x), 0.1, inplace=True)
            return self.score(F.relu(hidden)), hidden

    return Net()


@good(input="3x32x32")
def something_between_can_make_a_number_negative() -> nn.Module:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.conv = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
            self.last = nn.Conv2d(16, 16, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            x = F.relu(self.stem(x), inplace=True)
            out: Tensor = self.last(F.relu(x + self.conv(x), inplace=True))
            return out

    return Residual()


@good(input="3x32x32")
def needed_in_the_other_place() -> nn.Module:
    class Block(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(channels, 16, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.conv(F.relu(x))
            return out

    stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(inplace=True))
    return nn.Sequential(stem, Block(16), Block(16))


@graph_rule(category="activation", level="warning", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    """The activations all of whose places have one before that makes them needless."""
    for ops in by_expression(graph.find(keeps_positive | squeezing)):
        firsts = [before(op) for op in ops]
        for op, first in zip(ops, firsts, strict=True):
            if first is not None and None not in firsts:
                effect = "squeezes the same numbers again" if op in squeezing else "changes nothing: none is negative"
                yield op.finding(f"{op} after {first} {effect}; drop it", first)


def before(op: Op) -> Op | None:
    """The activation before, if all that this one reads comes from such as make it needless."""
    sources = list(op.back(past=keeps_sign))
    if op in squeezing:
        same = all(source.name == op.name and source.hyper.dim == op.hyper.dim for source in sources)
        return sources[0] if sources and same and op.inputs == (sources[0],) else None
    return sources[0] if sources and all(source in never_negative for source in sources) else None


@fix(safe=True)
def mend(finding: Finding) -> tuple[Edit, ...] | None:
    """The activation taken out, where that changes no number."""
    op = finding.subjects[0]
    return None if op in squeezing else remove_op(op, keep_names=True)

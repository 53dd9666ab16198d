"""The rate of a dropout is outside the usual range.

Below 0.1 dropout hardly regularises and only makes training noisier; above 0.5 it removes more than it leaves. At 0.8 a
layer sees one value in five, which often is the *keep* probability of older frameworks in the place of torch's drop
probability. At 1 the output is zero whatever goes in, and nothing before the layer learns.

The tip: 0.2 for weak and 0.5 for moderate regularisation.

What to do: a rate between 0.1 and 0.5; or no dropout at all, if the network does not overfit.

What it costs: a layer with dropout p passes (1-p) of its values on and adds noise of variance p/(1-p) times the square
of each value: 4 at 0.8, where it is 1 at 0.5.

What is known today: Srivastava et al. 2014 (Dropout, JMLR 15) keep half of the hidden units and 0.8 of the inputs.
Transformers use 0.1 throughout (Vaswani et al. 2017, arXiv:1706.03762), and large models trained for one epoch none.
Graph attention networks are published with 0.6 (Velickovic et al. 2018, arXiv:1710.10903), where the finding is a note.
Alpha dropout is meant to be weak, 0.05 to 0.1 (Klambauer et al. 2017, arXiv:1706.02515).

Quiet when: the rate is 0, which turns dropout off, or lies between `low` (0.1) and `high` (0.5); alpha dropout has half
of `low` or more; the rate is not known. A field that drops more, as graph networks do, raises `high`.
"""

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor, nn

from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, dropout
from nnlint.rule import bad, good, graph_rule

alpha_dropout = Kind.of("alpha_dropout", "feature_alpha_dropout")
#: from here on it is a warning
EXTREME = 0.8


@bad(input="16", loss="cross_entropy")
def keep_probability() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(inplace=True), nn.Dropout(0.9), nn.Linear(64, 2))


@bad(input="3x32x32")
def everything_is_dropped() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 32, 3, padding=1)
            self.drop = nn.Dropout2d(1.0)
            self.head = nn.Linear(32, 10)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.head(self.drop(self.conv(x).relu_()).mean(dim=(2, 3)))
            return out

    return Net()


@bad(input="16")
def hardly_any() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = nn.Linear(16, 64)
            self.head = nn.Linear(64, 2)

        def forward(self, x: Tensor) -> Tensor:
            x = nn.functional.dropout(self.hidden(x).relu_(), 0.01, self.training)
            out: Tensor = self.head(x)
            return out

    return Net()


@good(input="16", loss="cross_entropy")
def moderate() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(64, 2))


@good(input="16", loss="cross_entropy")
def turned_off() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(inplace=True), nn.Dropout(0.0), nn.Linear(64, 2))


@good(input="16", loss="cross_entropy")
def alpha() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 64), nn.SELU(inplace=True), nn.AlphaDropout(0.05), nn.Linear(64, 2))


@graph_rule(category="dropout", level="info", since="0.1", tips=("moderate-dropout",))
def check(graph: Graph, *, low: float = 0.1, high: float = 0.5) -> Iterator[Finding]:
    """Compares every rate with the range; how far above it is decides the level."""
    for drop in graph.find(dropout):
        rate = drop.hyper.p or 0.0
        smallest = low / 2 if drop in alpha_dropout else low
        if 0 < rate < smallest:
            yield drop.finding(f"{drop} drops only {rate:g}; {low:g} to {high:g} is common, or leave it out", p=rate)
        elif rate > high:
            yield excessive(drop, rate, f"{low:g} to {high:g}")


def excessive(drop: Op, rate: float, common: str) -> Finding:
    """The finding about a rate that is too high."""
    if rate >= 1:
        message = f"{drop} drops everything: its output is 0 and nothing before it learns; {common} is common"
        return replace(drop.finding(message, p=rate), level="error")
    if rate < EXTREME:
        return drop.finding(f"{drop} drops {rate:g} of the values; {common} is common", p=rate)
    message = (
        f"{drop} drops {rate:g} of the values; {common} is common (if {1 - rate:g} was meant: torch's p is dropped)"
    )
    return replace(drop.finding(message, p=rate), level="warning")

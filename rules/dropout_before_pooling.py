"""Dropout before max pooling drops less than its rate says and makes the pooled values too large.

Max pooling takes the largest of the values that are left. Of a window of four, dropout with 0.5 empties one in sixteen,
and in the others a smaller value steps in for the largest, scaled up: the pooled map is larger while training than at
evaluation, where dropout is off. The scaling keeps the mean of a single value; of a maximum it does not.

What to do: move the dropout after the pooling, where it drops what the next layer reads, with the rate that is written
and on a quarter of the values.

What it costs: random numbers and a mask for the whole map instead of the pooled one, four times as many for 2x2, and
the shift of scale. No parameters are concerned.

What is known today: Wu and Gu 2015 (Towards Dropout Training for Convolutional Neural Networks, arXiv:1512.00242) study
dropout before max pooling on purpose: it amounts to sampling from a window, works as a regulariser, and needs a
weighting of its own at test time (probabilistic weighted pooling), which torch's dropout does not do.

Quiet when: whole channels are dropped (`nn.Dropout2d`), which pooling leaves as it is; the pooling averages; the
dropout does not follow an activation or a norm directly, or another layer stands between it and the pooling; the rate
is 0.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import activation, channel_dropout, dropout, identity, max_pooling, normalisation
from nnlint.rule import bad, good, graph_rule


@bad(input="3x32x32", loss="cross_entropy")
def sequential() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.Dropout(0.2),
        nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


@bad(input="3x32x32")
def attributes() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 32, 3, padding=1)
            self.drop = nn.Dropout(0.5)
            self.pool = nn.MaxPool2d(2)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.pool(self.drop(self.conv(x).relu_()))
            return out

    return Net()


@bad(input="3x32x32")
def functional() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 32, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            x = nn.functional.dropout(self.conv(x).relu_(), 0.3, training=self.training)
            return nn.functional.max_pool2d(x, 2)

    return Net()


@good(input="3x32x32", loss="cross_entropy")
def after_pooling() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Dropout(0.2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


@good(input="3x32x32")
def whole_channels() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.Dropout2d(0.2),
        nn.MaxPool2d(2),
    )


@good(input="3x32x32", loss="cross_entropy")
def average_pooling() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.Dropout(0.2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


@good(input="3x32x32")
def rate_zero() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.Dropout(0.0),
        nn.MaxPool2d(2),
    )


@good(input="3x32x32")
def layer_between() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.Dropout(0.2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    )


@graph_rule(category="dropout", level="info", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    """Looks for the straight line activation, dropout, max pooling."""
    for pool in graph.find(max_pooling):
        drop = single(pool)
        if drop is None or drop not in dropout - channel_dropout or not drop.hyper.p:
            continue
        before = single(drop)
        if before is not None and before in activation | normalisation:
            yield drop.finding(f"{pool} picks the largest of what {drop} leaves; move {drop} after {pool}", pool)


def single(op: Op) -> Op | None:
    """What an op reads, past copies, if nothing else reads it."""
    source = op.inputs[0] if len(op.inputs) == 1 else None
    while source is not None and source in identity and len(source.inputs) == len(source.users) == 1:
        source = source.inputs[0]
    return source if source is not None and len(source.users) == 1 else None

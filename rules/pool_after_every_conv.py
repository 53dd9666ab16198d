"""Every convolution is followed by a pooling: the map collapses before much has been seen in it.

Each pooling throws three quarters of the map away. After every single convolution that is soon: a 32x32 image is down
to 4x4 after three layers, and what a layer could have combined with its neighbours at that size was never combined. Two
or three convolutions at each size find more at the same resolution.

What to do: put two convolutions (3x3, each with its activation) before each pooling, and have fewer poolings.

What it costs: the additional layers' parameters and multiply-accumulates, most of them where the map is large; spend
them where it is small.

What is known today: NeuraLint (Nikanjam et al. 2021, arXiv:2105.08095) counts it among the inefficiencies of a design.
VGG's blocks of two to four convolutions (arXiv:1409.1556) are the usual form. For small images and few classes the
plain alternation does well enough, so the rule is off unless it is selected.

Quiet when: there are fewer than three convolutions; one of them is followed by another before any pooling; maps are
made smaller by strides; there are branches (residual, Inception), attention or a decoder; the convolutions run along
one axis.
"""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from nnlint.algorithms import bottlenecks
from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, activation, dropout, identity, normalisation, pooling
from nnlint.maps import along_one_axis, has_attention, is_decoder, shrinks_map
from nnlint.rule import bad, good, graph_rule

pointwise = activation | normalisation | dropout | identity


def network(*pooled: bool) -> nn.Module:
    """Convolutions, each with a pooling or without, and a head."""
    layers: list[nn.Module] = []
    for i, pool in enumerate(pooled):
        layers += [nn.Conv2d(16 * i or 3, 16 * (i + 1), 3, padding=1), nn.ReLU(inplace=True)]
        layers += [nn.MaxPool2d(2)] if pool else []
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16 * len(pooled), 10))


@bad(input="3x32x32")
def alternating() -> nn.Module:
    return network(True, True, True)


@bad(input="3x32x32")
def alternating_functions() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)
            self.three, self.score = nn.Conv2d(16, 32, 3, padding=1), nn.Linear(32, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for conv in (self.one, self.two, self.three):
                x = F.max_pool2d(F.relu(conv(x)), 2)
            scores: torch.Tensor = self.score(x.mean((2, 3)))
            return scores

    return Net()


@bad(input="3x32x32")
def norm_between() -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in ((3, 16), (16, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
        layers += [nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 4, 10))


@good(input="3x32x32")
def two_before_each_pooling() -> nn.Module:
    return network(False, True, False, True)


@good(input="3x32x32")
def two_convolutions() -> nn.Module:
    return network(True, True)


@good(input="3x32x32")
def strides() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 64, 3, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


@graph_rule(category="convolution", level="info", since="0.1", default=False)
def check(graph: Graph) -> Iterator[Finding]:
    """The networks of three convolutions or more in which each is read by a pooling that makes the map smaller."""
    convs = [op for op in graph.find(Kind.of("conv2d", "conv3d")) if max(op.hyper.kernel or (1,)) > 1]
    if len(convs) < 3 or not all(is_pooled(conv) for conv in convs) or any(map(along_one_axis, convs)):
        return
    on_every_path = {op.index for op in bottlenecks(graph)}
    if has_attention(graph) or is_decoder(graph) or any(conv.index not in on_every_path for conv in convs):
        return
    yield convs[0].finding(
        f"each of the {len(convs)} convolutions, from {convs[0]} to {convs[-1]}, is followed by a pooling; put two "
        f"convolutions before each, and pool less often",
        *convs[1:],
        convolutions=len(convs),
    )


def is_pooled(conv: Op) -> bool:
    """Whether nothing but a pooling that makes the map smaller reads it."""
    readers = tuple(conv.ahead(past=pointwise))
    return bool(readers) and not shrinks_map(conv) and all(op in pooling and shrinks_map(op) for op in readers)

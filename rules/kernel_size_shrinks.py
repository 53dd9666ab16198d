"""A later convolution has a smaller kernel than one before it.

Early layers find edges and corners, for which a small window is enough; later ones put them together over larger parts
of the image. Large kernels at the beginning and small ones at the end are the wrong way round: the expensive windows
are where the map is largest and its features are simplest.

The tip: use 3x3 kernels throughout, and stack them where more has to be seen.

What to do: use the same kernel throughout (3x3), or let it grow with depth; the stride and the pooling widen what later
layers see.

What it costs: a 5x5 at the beginning made a 3x3 saves 16 of 25 weights, and as large a part of the multiply-accumulates
of the largest map.

What is known today: NeuraLint (Nikanjam et al. 2021, arXiv:2105.08095) counts it among the inefficiencies of a design.
AlexNet's kernels shrink from 11x11 to 3x3; since VGG (arXiv:1409.1556) one size is used throughout, but for the first
layer. It is a convention, so the rule is off unless it is selected.

Quiet when: the larger kernel is that of the first convolution, which reads the image; one of the two is 1x1, 1xN, cuts
patches, or covers the whole map; they are not on a single line (branches, residual blocks); the network attends or
decodes.
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from nnlint.algorithms import bottlenecks
from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.maps import along_one_axis, covers_map, cuts_patches, has_attention, is_decoder
from nnlint.rule import bad, good, graph_rule


def network(*kernels: int) -> nn.Module:
    """Convolutions with these kernels, a stride in the first, and a head."""
    layers: list[nn.Module] = []
    for i, kernel in enumerate(kernels):
        layers.append(nn.Conv2d(16 if i else 3, 16, kernel, stride=1 if i else 2, padding=kernel // 2))
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))


@bad(input="3x32x32")
def five_then_three() -> nn.Module:
    return network(3, 5, 3)


@bad(input="3x32x32")
def seven_five_three() -> nn.Module:
    return network(7, 5, 3)


@bad(input="3x32x32")
def by_attributes() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 7, padding=3)
            self.three = nn.Conv2d(16, 16, 5, padding=2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = F.max_pool2d(F.relu(self.two(F.relu(self.one(x)))), 2)
            return F.relu(self.three(x)).mean((2, 3))

    return Net()


@good(input="3x32x32")
def one_size() -> nn.Module:
    return network(3, 3, 3)


@good(input="3x32x32")
def patches_first() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 4, stride=4),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


@good(input="3x32x32")
def one_by_one() -> nn.Module:
    return network(3, 3, 1)


@good(input="3x32x32")
def first_convolution() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 4, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


@graph_rule(category="convolution", level="info", since="0.1", default=False, tips=("small-kernels",))
def check(graph: Graph) -> Iterator[Finding]:
    """Compares each convolution that every path goes through with the one before it."""
    convs = [op for op in bottlenecks(graph) if is_plain(op)]
    first = next(graph.find("conv2d"), None)
    shrinking = [(a, b) for a, b in pairwise(convs) if a is not first and max(size(a)) > max(size(b))]
    if not shrinking or has_attention(graph) or is_decoder(graph):
        return
    for before, after in shrinking:
        sizes = ["x".join(map(str, size(op))) for op in (after, before)]
        yield after.finding(
            f"{after} has a {sizes[0]} kernel, smaller than the {sizes[1]} of {before} before it; use one size, or let "
            f"it grow with depth",
            before,
        )


def size(conv: Op) -> tuple[int, ...]:
    """The kernel's size."""
    return conv.hyper.kernel or (1,)


def is_plain(op: Op) -> bool:
    """Whether it is a dense convolution with an ordinary window."""
    dense = op.name == "conv2d" and op.hyper.groups == 1 and max(size(op)) > 1
    return dense and not (along_one_axis(op) or cuts_patches(op) or covers_map(op))

"""Convolutions that work on the same size of map differ in their kernels or their channels.

Between two down-samplings layers do the same kind of work, on maps of the same size. Where each of them has another
kernel or another number of channels, there are as many numbers to choose as there are layers, and none of them says why
it is as it is; a narrow layer among wide ones is a bottleneck by accident.

What to do: give the convolutions of one block the same kernel and the same channels, and change the channels where the
map changes its size.

What it costs: parameters and multiply-accumulates by the kernel and width that are chosen for all of the block.

What is known today: NeuraLint (Nikanjam et al. 2021, arXiv:2105.08095) counts it among the inefficiencies of a design.
VGG, ResNet and RegNet (arXiv:2003.13678) have one width for each resolution. It is a convention, so the rule is off
unless it is selected.

Quiet when: they are equal; the later one is wider (a stem that widens in steps); one is 1x1, grouped, along one axis,
makes the map smaller by its stride, or cuts patches; the convolution is the first, which reads the image; they are not
on a single line (branches, residual blocks); the network attends, decodes, or is no image classifier.
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from nnlint.algorithms import bottlenecks
from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.maps import along_one_axis, cuts_patches, has_attention, is_decoder, last_map, map_size, shrinks_map
from nnlint.rule import bad, good, graph_rule


def network(*layers: tuple[int, int]) -> nn.Module:
    """A stem with a pooling, convolutions with these kernels and channels, and a head."""
    made: list[nn.Module] = [nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
    before = 16
    for kernel, width in layers:
        made += [nn.Conv2d(before, width, kernel, padding=kernel // 2), nn.ReLU(inplace=True)]
        before = width
    return nn.Sequential(*made, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10))


@bad(input="3x32x32")
def different_channels() -> nn.Module:
    return network((3, 48), (3, 32))


@bad(input="3x32x32")
def different_kernels() -> nn.Module:
    return network((3, 32), (5, 32))


@bad(input="3x32x32")
def by_attributes() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.Conv2d(16, 64, 3, padding=1)
            self.three, self.score = nn.Conv2d(64, 20, 3, padding=1), nn.Linear(20, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = F.relu(self.three(F.relu(self.two(F.relu(self.one(x))))))
            scores: torch.Tensor = self.score(x.mean((2, 3)))
            return scores

    return Net()


@good(input="3x32x32")
def one_width_for_one_size() -> nn.Module:
    return network((3, 32), (3, 32))


@good(input="3x32x32")
def widened_in_steps() -> nn.Module:
    return network((3, 32), (3, 64))


@good(input="3x32x32")
def made_smaller_by_a_wider_kernel() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(16, 32, 4, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


@good(input="3x32x32")
def one_by_one() -> nn.Module:
    return network((3, 32), (1, 64))


@good(input="3x32x32")
def first_layer() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


@graph_rule(category="convolution", level="info", since="0.1", default=False)
def check(graph: Graph) -> Iterator[Finding]:
    """Compares each convolution that every path goes through with the one before it, if their maps are equal."""
    first = next(graph.find("conv2d"), None)
    convs = [op for op in bottlenecks(graph) if is_plain(op) and op is not first]
    unlike = [(a, b) for a, b in pairwise(convs) if map_size(a.shape) == map_size(b.shape) and not is_alike(a, b)]
    if not unlike or last_map(graph) is None or has_attention(graph) or is_decoder(graph):
        return
    for before, after in unlike:
        size = "x".join(map(str, map_size(after.shape)))
        yield after.finding(
            f"{after} ({described(after)}) and {before} ({described(before)}) before it work on the same {size} map; "
            f"give the convolutions of one size the same kernel and channels",
            before,
        )


def is_alike(one: Op, other: Op) -> bool:
    """Whether two convolutions have the same kernel, and the later one no fewer channels."""
    return one.hyper.kernel == other.hyper.kernel and one.shape[1] <= other.shape[1]


def described(conv: Op) -> str:
    """A convolution's kernel and channels in words."""
    return f"{'x'.join(map(str, conv.hyper.kernel or ()))}, {conv.hyper.out_channels} channels"


def is_plain(op: Op) -> bool:
    """Whether it is a dense convolution with an ordinary window."""
    dense = op.name == "conv2d" and op.hyper.groups == 1 and max(op.hyper.kernel or (1,)) > 1
    return dense and not (along_one_axis(op) or cuts_patches(op) or shrinks_map(op))

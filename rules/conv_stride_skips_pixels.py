"""A stride larger than the kernel leaves out pixels that no window ever reads.

A 1x1 convolution with stride 2 looks at one pixel in four and never reads the other three; a 3x3 with stride 4 leaves
out seven in sixteen. Whatever the layers before computed there is computed in vain.

What to do: take a kernel at least as large as the stride (3x3 with stride 2 and padding 1), put the stride into the 3x3
next to the 1x1, or pool before the 1x1.

What it costs: a 3x3 in the place of a 1x1 has nine times its weights; a 2x2 average pooling before the 1x1 costs next
to nothing.

What is known today: the first ResNet (arXiv:1512.03385) put the stride into the first 1x1 of a bottleneck block.
torchvision moves it to the 3x3, which its documentation says improves the accuracy ("ResNet v1.5"); and ResNet-D
averages in the shortcut, too, where the 1x1 skips as many pixels (He et al. 2019, arXiv:1812.01187).

Quiet when: it is the projection beside a residual branch that reads all of the map, as in most ResNets; anything else
reads the pixels it leaves out; it thins out the keys and values of attention; the map is no larger than the kernel.
"""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import (
    Kind,
    activation,
    attention,
    convolution,
    dropout,
    identity,
    indexing,
    matrix_product,
    normalisation,
    padding,
    reshaping,
    transposed_convolution,
)
from nnlint.maps import map_size, on_maps
from nnlint.rule import bad, good, graph_rule

#: the same pixels, each for itself
pointwise = activation | normalisation | dropout | identity
to_attention = normalisation | reshaping | identity | indexing | Kind.of("cat")


@bad(input="32x32x32")
def thrown_away() -> nn.Module:
    return nn.Sequential(nn.Conv2d(32, 64, 1, stride=2, bias=False), nn.BatchNorm2d(64), nn.ReLU())


@bad(input="3x64x64")
def three_by_three_with_stride_four() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 16, 3, stride=4, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.relu(self.conv(x))

    return Net()


@bad(input="8x32x32")
def functional() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.empty(8, 8, 1, 1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.conv2d(x, self.weight, stride=2).relu()

    return Net()


class Block(nn.Module):
    """A residual block: which of its convolutions take the stride is the question."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__()
        self.one = nn.Sequential(nn.Conv2d(32, 16, 1, stride=first, bias=False), nn.BatchNorm2d(16), nn.ReLU(True))
        self.two = nn.Sequential(
            nn.Conv2d(16, 16, 3, stride=second, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(True)
        )
        self.three = nn.Sequential(nn.Conv2d(16, 64, 1, bias=False), nn.BatchNorm2d(64))
        self.down = nn.Sequential(nn.Conv2d(32, 64, 1, stride=2, bias=False), nn.BatchNorm2d(64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The block's output."""
        return torch.relu_(self.three(self.two(self.one(x))) + self.down(x))


@bad(input="32x32x32")
def both_branches_skip() -> nn.Module:
    return Block(2, 1)


@good(input="32x32x32")
def projection_beside_a_residual_branch() -> nn.Module:
    return Block(1, 2)


@good(input="3x64x64")
def kernel_as_large_as_the_stride() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 16, 4, stride=4), nn.ReLU(inplace=True))


@good(input="32x32x32")
def pooled_before() -> nn.Module:
    return nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(32, 64, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True))


@good(input="32x16x16")
def both_halves_are_read() -> nn.Module:
    class FactorizedReduce(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.even = nn.Conv2d(32, 32, 1, stride=2, bias=False)
            self.odd = nn.Conv2d(32, 32, 1, stride=2, bias=False)
            self.norm = nn.BatchNorm2d(64)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            both = torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], dim=1)
            return torch.relu_(self.norm(both))

    return FactorizedReduce()


@good(input="32x16x16")
def keys_and_values() -> nn.Module:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.query = nn.Conv2d(32, 32, 1)
            self.pooled = nn.Conv2d(32, 64, 3, stride=8, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            key, value = self.pooled(x).flatten(2).transpose(1, 2).chunk(2, dim=-1)
            query = self.query(x).flatten(2).transpose(1, 2)
            return F.scaled_dot_product_attention(query, key, value)

    return Attention()


@good(input="32x1x1")
def nothing_to_skip() -> nn.Module:
    return nn.Conv2d(32, 64, 1, stride=2)


@graph_rule(category="convolution", level="warning", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    """The convolutions that skip pixels which nothing else reads either."""
    for conv in on_maps(graph, convolution - transposed_convolution):
        if (share := skipped(conv)) and not (is_seen_elsewhere(conv) or is_shortcut(conv) or thins_out(conv)):
            kernel, stride = ("x".join(map(str, sizes or ())) for sizes in (conv.hyper.kernel, conv.hyper.stride))
            yield conv.finding(
                f"{conv} has a {kernel} kernel and stride {stride}: {share:.0%} of the map is never read; "
                f"take a kernel as large as the stride, or pool before",
                skipped=round(share, 4),
            )


def skipped(conv: Op) -> float:
    """The share of the map that no window reads."""
    kernel, stride, size = conv.hyper.kernel, conv.hyper.stride, map_size(conv.in_shape)
    if kernel is None or stride is None or conv.hyper.dilation is None or max(conv.hyper.dilation) > 1:
        return 0.0
    read = 1.0
    for extent, step, axis in zip(kernel, stride, size, strict=True):
        read *= extent / step if extent < step and axis > extent else 1.0
    return 1 - read


def is_seen_elsewhere(conv: Op) -> bool:
    """Whether anything beside the convolution reads the same pixels, and not in the same coarse raster."""
    if any(op in indexing | padding for op in conv.inputs):  # a raster shifted against another
        return True
    readers: dict[int, Op] = {}
    for source in (*conv.inputs[:1], *_sources(conv)):
        readers |= {op.index: op for op in (*source.users, *source.ahead(past=pointwise))}
    others = (op for op in readers.values() if op is not conv and op not in pointwise)
    return any(not (op in convolution and skipped(op)) for op in others)


def _sources(conv: Op) -> Iterator[Op]:
    """What is read, before anything was done to each pixel for itself: a residual branch may start there."""
    op = conv.inputs[0] if conv.inputs else None
    while op is not None and op in pointwise and op.inputs:
        op = op.inputs[0]
        yield op


def is_shortcut(conv: Op) -> bool:
    """Whether it leads to a sum without another weighted layer: its fault is that of the branch beside it."""
    ends = conv.ahead(past=normalisation | identity | dropout)
    return any(op in Kind.of("add") and len(op.inputs) > 1 for op in ends)


def thins_out(conv: Op) -> bool:
    """Whether it makes fewer keys and values for attention."""
    return any(op in attention | matrix_product for op in conv.ahead(past=to_attention))

"""The kernel of a transposed convolution is not divisible by its stride: a checkerboard pattern.

A transposed convolution puts a weighted copy of its kernel at every stride-th place of the larger map. With a 3x3
kernel and stride 2 some pixels get one copy, some two and some four: the result has a regular pattern of lighter and
darker pixels, which the weights can learn to hide but start with, and each such layer multiplies the pattern of the one
before.

What to do: take a kernel that is a multiple of the stride (4x4 with stride 2 and padding 1, or 2x2 with stride 2), or
enlarge the map first (`nn.Upsample(scale_factor=2)`) and follow with a plain 3x3 convolution.

What it costs: 16 weights instead of 9 for the 4x4; the convolution after up-sampling works on the larger map, at about
four times the multiply-accumulates of a transposed 3x3.

What is known today: Odena et al. 2016 (Deconvolution and checkerboard artifacts, Distill) show the pattern in generated
images and how both remedies work; even with a fitting kernel a transposed convolution can learn to make it, and the
gradients of strided convolutions have the same pattern.

Quiet when: the stride divides the kernel on every axis; the stride is 1; the layer makes its map from a single pixel,
or along one axis only; its weights are fixed.
"""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from nnlint.finding import Finding
from nnlint.graph import Graph
from nnlint.kinds import Kind
from nnlint.maps import has_own_weight, map_size, on_maps
from nnlint.rule import bad, good, graph_rule


@bad(input="16x8x8")
def three_by_three() -> nn.Module:
    return nn.Sequential(nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1), nn.ReLU())


@bad(input="16x8x8")
def by_attribute() -> nn.Module:
    class Decoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up = nn.ConvTranspose2d(16, 3, kernel_size=5, stride=2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tanh(self.up(x))

    return Decoder()


@bad(input="8x8x8")
def functional() -> nn.Module:
    class Decoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.empty(8, 4, 3, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.conv_transpose2d(x, self.weight, stride=2).relu()

    return Decoder()


@good(input="16x8x8")
def four_by_four() -> nn.Module:
    return nn.Sequential(nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1), nn.ReLU(inplace=True))


@good(input="16x8x8")
def stride_one() -> nn.Module:
    return nn.Sequential(nn.ConvTranspose2d(16, 8, 3, padding=1), nn.ReLU(inplace=True))


@good(input="16x8x8")
def enlarged_first() -> nn.Module:
    return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(16, 8, 3, padding=1), nn.ReLU(inplace=True))


@good(input="100x1x1")
def from_one_pixel() -> nn.Module:
    return nn.Sequential(nn.ConvTranspose2d(100, 64, 7, stride=2), nn.ReLU(inplace=True))


@good(input="16x64")
def along_one_axis() -> nn.Module:
    return nn.Sequential(nn.ConvTranspose1d(16, 8, 5, stride=2), nn.ReLU(inplace=True))


@good(input="1x8x8")
def fixed_filter() -> nn.Module:
    class Spread(nn.Module):
        window: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("window", torch.ones(1, 1, 3, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.conv_transpose2d(x, self.window, stride=2)

    return Spread()


@graph_rule(category="convolution", level="info", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    """The transposed convolutions whose copies overlap unevenly."""
    for conv in on_maps(graph, Kind.of("conv_transpose2d", "conv_transpose3d")):
        kernel, stride = conv.hyper.kernel, conv.hyper.stride
        if kernel is None or stride is None or not has_own_weight(conv) or max(map_size(conv.in_shape)) == 1:
            continue
        uneven = [k % s != 0 for k, s in zip(kernel, stride, strict=True)]
        if any(uneven) and sum(step > 1 for step in stride) > 1:
            sizes = ["x".join(map(str, size)) for size in (kernel, stride)]
            yield conv.finding(
                f"{conv} has a {sizes[0]} kernel and stride {sizes[1]}: its copies overlap in a checkerboard; "
                f"take a kernel that the stride divides, or enlarge the map before a plain convolution"
            )

"""A convolution on a map smaller than its kernel: most of its weights only ever see padding.

On a map of one pixel a 3x3 convolution with padding 1 multiplies one of its nine weights by data and the other eight by
zero: they cost memory and time, and never learn anything. It happens where a network made for large images is given
small ones: five halvings leave one pixel of a 32x32 image.

What to do: leave out a down-sampling or two (CIFAR versions of ResNet start with a 3x3 of stride 1 and no pooling),
stop before the map has collapsed, or give the network images of the size it was made for.

What it costs: nothing; the weights that never see data go, or the map they work on becomes large enough for them.

What is known today: Richter et al. 2021 (Should You Go Deeper? Optimizing Convolutional Neural Network Architectures
without Training by Receptive Field Analysis, arXiv:2106.12307) find the same by receptive fields: layers that can add
no context to what they see do not improve the result, and with less down-sampling they do.

Quiet when: the convolution is dilated, as in ASPP, whose far windows leave the map on purpose; it is 1x1, as in
squeeze-and-excitation; it runs along one axis, or the map has collapsed on one axis only; it is not padded; a quarter
of its weights see data; its weights serve maps of several sizes, as the heads of detectors do, or the network has
several results; the result is a map (such a network takes images of any size); the network attends; nobody says how
large the images are (nnlint chose the size itself).
"""

import math
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind
from nnlint.maps import along_one_axis, has_attention, has_own_weight, map_size, on_maps
from nnlint.rule import bad, good, graph_rule


@bad(input="64x1x1")
def one_pixel() -> nn.Module:
    return nn.Sequential(nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 10))


@bad(input="3x32x32")
def five_halvings_of_a_small_image() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 64, 7, stride=2, padding=3), nn.ReLU(), nn.MaxPool2d(4))
            self.deep = nn.Conv2d(64, 128, 3, stride=2, padding=1)
            self.deeper = nn.Conv2d(128, 256, 3, stride=2, padding=1)
            self.deepest = nn.Conv2d(256, 256, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = F.relu(self.deeper(F.relu(self.deep(self.stem(x)))))
            return F.relu(self.deepest(x)).mean((2, 3))

    return Net()


@bad(input="8x1x1")
def functional() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.empty(8, 8, 5, 5))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.conv2d(x, self.weight, padding=2).relu().flatten(1)

    return Net()


@good(input="64x2x2")
def every_weight_sees_data() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(64, 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


@good(input="64x8x8")
def atrous() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(64, 64, 3, padding=12, dilation=12),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


@good(input="3x16x16")
def map_of_an_image_of_any_size() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 16, stride=16),
        nn.Conv2d(64, 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(64, 3, 16, stride=16),
    )


@good(input="64x14x14")
def squeeze_and_excitation() -> nn.Module:
    class SqueezeAndExcitation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate = nn.Sequential(
                nn.AdaptiveAvgPool2d(1),
                nn.Conv2d(64, 16, 1),
                nn.ReLU(inplace=True),
                nn.Conv2d(16, 64, 1),
                nn.Sigmoid(),
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = x * self.gate(x)
            return out

    return SqueezeAndExcitation()


@good(input="16x1x64")
def along_a_sequence() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(16, 16, (1, 9), padding=(0, 4)), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


@good(input="16x1x64")
def collapsed_on_one_axis() -> nn.Module:
    return nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten())


@good(input="16x2x2")
def a_quarter_sees_data() -> nn.Module:
    return nn.Sequential(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(inplace=True), nn.Flatten())


@good(input="16x8x8")
def head_of_a_detector() -> nn.Module:
    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down = nn.Conv2d(16, 16, 8, stride=8)
            self.box = nn.Conv2d(16, 4, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            boxes = [self.box(level).flatten(2) for level in (x, F.relu(self.down(x), inplace=True))]
            return torch.cat(boxes, dim=2).flatten(1)

    return Head()


@good(input="16x5x5")
def not_padded() -> nn.Module:
    return nn.Sequential(nn.Conv2d(16, 64, 5), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(64, 10))


@graph_rule(category="convolution", level="warning", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    """The convolutions more than three quarters of whose weights meet nothing but padding."""
    collapsed = [conv for conv in on_maps(graph, Kind.of("conv2d", "conv3d")) if meeting_data(conv) is not None]
    results = {*graph.output.inputs}
    if not collapsed or graph.guessed or len(results) != 1 or len(results.pop().shape) != 2 or has_attention(graph):
        return
    for conv in collapsed:
        live, total = meeting_data(conv) or 0, math.prod(conv.hyper.kernel or ())
        if 4 * live < total and not is_shared(conv, graph):
            sizes = ["x".join(map(str, size)) for size in (conv.hyper.kernel or (), map_size(conv.in_shape))]
            yield conv.finding(
                f"{conv} has a {sizes[0]} kernel on a map of {sizes[1]}: {total - live} of {total} weights only ever "
                f"see padding; leave out a down-sampling before it, or the layer",
                live=live,
                total=total,
            )


def meeting_data(conv: Op) -> int | None:
    """How many weights of each filter meet data, if some do not on every axis; None where that is not known."""
    hyper, sizes, made = conv.hyper, map_size(conv.in_shape), map_size(conv.shape)
    if hyper.kernel is None or hyper.stride is None or not isinstance(hyper.padding, tuple):
        return None
    if hyper.dilation is None or max(hyper.dilation) > 1 or along_one_axis(conv) or not has_own_weight(conv):
        return None
    axes = zip(sizes, hyper.kernel, hyper.stride, hyper.padding, made, strict=True)
    live = [_meeting(*axis) for axis in axes]
    return None if any(a == b for a, b in zip(live, hyper.kernel, strict=True)) else math.prod(live)


def _meeting(size: int, kernel: int, stride: int, pad: int, made: int) -> int:
    if size >= kernel:
        return kernel
    places = [at * stride - pad for at in range(made)]
    return sum(any(0 <= place + weight < size for place in places) for weight in range(kernel))


def is_shared(conv: Op, graph: Graph) -> bool:
    """Whether the same weights work on another map too."""
    keys = {param.key for param in conv.params}
    return any(op is not conv and any(param.key in keys for param in op.params) for op in graph.ops)

"""Images are given with their channels last, where the network expects them first.

`nn.Conv2d` takes batches of the form N x C x H x W. An image of the form H x W x C, as `PIL`, `cv2` and `matplotlib`
read it, is taken for one of H channels whose height is W and whose width is the number of colours. With `in_channels`
set to the height nothing raises, and the kernels slide over the columns and the colours.

What to do: `image.permute(2, 0, 1)` for one image (`permute(0, 3, 1, 2)` for a batch), or `ToTensor` or `ToImage` of
torchvision, which do it, and the number of colours as `in_channels`.

What it costs: the network cannot see the rows: neighbouring rows are channels without an order. Its first layer has H /
C times as many weights as it needs.

What is known today: what torch calls `channels_last` is an order in memory: the shape stays N x C x H x W
(`torch.channels_last`).

Quiet when: nobody states the input, so that its sizes are nnlint's own; height and width differ, or the last axis is
not 1, 3 or 4 long; the input is permuted before the first convolution.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import convolution_2d, identity
from nnlint.rule import bad, good, graph_rule

#: an image is at least so high and wide
SMALLEST = 16
COLOURS = (1, 3, 4)


@bad(input="32x32x3")
def sequential() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)
    )


@bad(input="28x28x1")
def grey_images() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(28, 32, 3, padding=1)
            self.head = nn.Linear(32, 10)

        def forward(self, image: Tensor) -> Tensor:
            out: Tensor = self.head(self.conv(image).relu().mean((2, 3)))
            return out

    return Net()


@bad(input="64x64x3")
def functional() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(16, 64, 3, 3) / 24)
            self.head = nn.Linear(16, 10)

        def forward(self, image: Tensor) -> Tensor:
            x = nn.functional.conv2d(image.contiguous(), self.weight, padding=1).relu()
            out: Tensor = self.head(x.mean((2, 3)))
            return out

    return Net()


@good(input="3x32x32")
def channels_first() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)
    )


@good(input="32x32x3")
def permuted_first() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 32, 3, padding=1)
            self.head = nn.Linear(32, 10)

        def forward(self, image: Tensor) -> Tensor:
            out: Tensor = self.head(self.conv(image.permute(0, 3, 1, 2)).relu_().mean((2, 3)))
            return out

    return Net()


@good(input="22x256x3")
def recordings_of_many_channels() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(22, 64, 3, padding=1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 4)
    )


@graph_rule(category="data", level="error", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    """Looks at the convolutions that read the network's input."""
    if graph.guessed:
        return
    for conv in graph.find(convolution_2d):
        shape = conv.in_shape
        if len(shape) != 4 or shape[1] != shape[2] or shape[1] < SMALLEST or shape[3] not in COLOURS:
            continue
        if conv.inputs and enters(conv):
            height, width, colours = shape[1:]
            yield conv.finding(
                f"{conv} takes the rows of a {height}x{width}x{colours} image for its channels: permute the image to "
                f"{colours}x{height}x{width}, and set in_channels to {colours}",
                height=height,
                width=width,
                colours=colours,
            )


def enters(conv: Op) -> bool:
    """Whether a convolution reads the network's input as it is given."""
    first = conv.inputs[0]
    ends = first.back(past=identity) if first in identity else iter((first,))
    return all(op.name == "input" for op in ends)

"""A classifier never makes its map smaller before the head: its layers are expensive and see little.

Without a stride or a pooling each 3x3 layer sees two pixels further: after ten of them a decision at one place rests on
21x21 pixels, and the head has to make up for the rest. And all of them work at full resolution: a layer on a map halved
twice costs a sixteenth.

The tip: start with large maps and few channels, make the maps smaller by max pooling or strides, and add channels as
they get smaller.

What to do: halve the map after every two or three convolutions (`nn.MaxPool2d(2)`, or `stride=2`) until eight or so
pixels a side are left, and double the channels each time.

What it costs: the gain is said in the finding: how many of the multiply-accumulates are spent at full resolution.
Smaller maps lose fine detail, which a class of the whole image seldom depends on.

What is known today: the common convolutional classifiers, from AlexNet to ConvNeXt, end at about a 32nd of the image's
side. Networks that keep one resolution throughout (ViT, arXiv:2010.11929; ConvMixer, arXiv:2201.09792) cut the image
into patches first.

Quiet when: there are fewer than four convolutions; the map at the head is smaller than 16 pixels a side; the image is
cut into patches first; the result is a map (segmentation, super-resolution) or there are several results (board games);
the input has more than four channels (no image); a convolution is dilated; the network attends or decodes; nobody says
how large the images are (nnlint chose the size itself).
"""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind
from nnlint.maps import has_attention, is_decoder, last_map, map_size
from nnlint.rule import bad, good, graph_rule

#: an image: grey, colour, with an opacity
IMAGE_CHANNELS = 4


class Plain(nn.Module):
    """Four convolutions, with a stride or without."""

    def __init__(self, *strides: int) -> None:
        super().__init__()
        widths = (3, 16, 16, 32, 32)
        self.convs = nn.ModuleList(
            nn.Conv2d(widths[i], widths[i + 1], 3, stride=stride, padding=1) for i, stride in enumerate(strides)
        )
        self.score = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Ten scores."""
        for conv in self.convs:
            x = F.relu(conv(x), inplace=True)
        scores: torch.Tensor = self.score(x.mean((2, 3)))
        return scores


def layers(*strides: int) -> list[nn.Module]:
    """The same as a list of modules."""
    widths = (3, 16, 16, 32, 32)
    return [
        layer
        for i, stride in enumerate(strides)
        for layer in (nn.Conv2d(widths[i], widths[i + 1], 3, stride=stride, padding=1), nn.ReLU(inplace=True))
    ]


@bad(input="3x32x32")
def averaged_at_full_size() -> nn.Module:
    return nn.Sequential(*layers(1, 1, 1, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


@bad(input="3x32x32")
def by_attributes() -> nn.Module:
    return Plain(1, 1, 1, 1)


@bad(input="1x28x28")
def flattened_at_full_size() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8 * 20 * 20, 10),
    )


@good(input="3x32x32")
def with_strides() -> nn.Module:
    return Plain(1, 2, 1, 2)


@good(input="3x32x32")
def three_convolutions() -> nn.Module:
    return nn.Sequential(*layers(1, 1, 1)[:6], nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


@good(input="3x12x12")
def small_map() -> nn.Module:
    return Plain(1, 1, 1, 1)


@good(input="3x64x64")
def patches_first() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 4, stride=4),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


@good(input="3x32x32")
def a_result_for_every_pixel() -> nn.Module:
    return nn.Sequential(*layers(1, 1, 1, 1), nn.Conv2d(32, 5, 1))


@good(input="3x19x19")
def policy_and_value() -> nn.Module:
    class Player(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(*layers(1, 1, 1, 1))
            self.policy, self.value = nn.Linear(32, 362), nn.Linear(32, 1)

        def forward(self, board: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            seen = self.body(board).mean((2, 3))
            return self.policy(seen), self.value(seen).tanh()

    return Player()


@good(input="17x19x19")
def no_image() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(17, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


@good(input="3x32x32")
def dilated() -> nn.Module:
    return nn.Sequential(
        *layers(1, 1, 1),
        nn.Conv2d(32, 32, 3, padding=4, dilation=4),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


@graph_rule(category="convolution", level="info", since="0.1", tips=("max-pool-or-stride", "maps-grow-as-size-falls"))
def check(graph: Graph) -> Iterator[Finding]:
    """The image classifiers whose last map is about as large as the image."""
    convs = [op for op in graph.find("conv2d") if max(op.hyper.kernel or (1,)) > 1]
    if len(convs) < 4 or graph.guessed or not is_image(convs[0]):
        return
    end = last_map(graph)
    if end is None or has_attention(graph) or is_decoder(graph):
        return
    image, size = map_size(convs[0].in_shape), map_size(end.in_shape)
    if min(size) < 16 or len(size) != 2 or any(2 * last <= first for last, first in zip(size, image, strict=True)):
        return
    if any(max(conv.hyper.dilation or (1,)) > 1 for conv in convs):
        return
    spent = sum(conv.macs or 0 for conv in convs) / max(graph.macs, 1)
    yield end.finding(
        f"{len(convs)} convolutions work at full resolution ({spent:.0%} of the network's multiply-accumulates), and "
        f"{end} reads a map of {'x'.join(map(str, size))}: halve the map on the way, by max pooling or a stride",
        convs[0],
        convolutions=len(convs),
    )


def is_image(first: Op) -> bool:
    """Whether the first convolution reads an image, and the network's input as it is."""
    sources = first.back(past=Kind.of("sub", "div", "add", "mul", "to", "pad", "contiguous"))
    return (first.hyper.in_channels or IMAGE_CHANNELS + 1) <= IMAGE_CHANNELS and any(
        op.name == "input" for op in sources
    )

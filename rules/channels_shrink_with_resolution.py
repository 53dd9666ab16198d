"""The map gets smaller and its channels fewer, so that information is lost twice at one step.

Halving a map leaves a quarter of its pixels. Networks make up for it by more channels, which say of each place what the
finer map said by its pixels. With fewer channels as well, what is handed on shrinks by more than four at one step, and
the layers behind have that much less to decide on.

The tip: start with large maps and few channels, and add channels as the maps get smaller.

What to do: double the channels where the map is halved, or keep them at least; spend less at full resolution instead.

What it costs: at half the size twice the channels cost the same multiply-accumulates, and four times the parameters.

What is known today: twice the channels at each halving is how VGG (arXiv:1409.1556), ResNet (arXiv:1512.03385) and
ConvNeXt (arXiv:2201.03545) are built; RegNet (arXiv:2003.13678) found the same by sampling networks: good ones have
widths that rise with depth.

Quiet when: channels stay or grow; a bottleneck within a block narrows for a while (the most channels at each size
count); it is the 1x1 convolution that makes the scores; the map shrinks along one axis only (signals); the network
decodes (autoencoders, FPN, segmentation), attends, hands out a map or several results (detection heads, codes); it is
no image classifier.
"""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from nnlint.algorithms import ancestors
from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.maps import has_attention, is_decoder, last_map, map_size
from nnlint.rule import bad, good, graph_rule


def classifier(*widths: int) -> nn.Module:
    """Convolutions of these widths with a pooling after each, and a head."""
    pairs = list(zip((3, *widths), widths, strict=False))
    body = [
        layer
        for before, after in pairs
        for layer in (nn.Conv2d(before, after, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2))
    ]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], 10))


@bad(input="3x32x32")
def fewer_after_pooling() -> nn.Module:
    return classifier(64, 32, 16)


@bad(input="3x32x32")
def fewer_by_a_stride() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(64, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 16 * 16, 10),
    )


@bad(input="3x32x32")
def functional() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 8, 3, padding=1)
            self.score = nn.Linear(8, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = F.relu(self.two(F.max_pool2d(F.relu(self.one(x)), 2)))
            scores: torch.Tensor = self.score(x.mean((2, 3)))
            return scores

    return Net()


@good(input="3x32x32")
def more_after_pooling() -> nn.Module:
    return classifier(16, 32, 64)


@good(input="3x32x32")
def as_many() -> nn.Module:
    return classifier(32, 32, 32)


@good(input="64x16x16")
def bottleneck() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.narrow, self.spatial = nn.Conv2d(64, 16, 1), nn.Conv2d(16, 16, 3, stride=2, padding=1)
            self.wide, self.shortcut = nn.Conv2d(16, 64, 1), nn.Conv2d(64, 64, 1, stride=2)
            self.score = nn.Linear(64, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            inner = F.relu(self.spatial(F.relu(self.narrow(x), inplace=True)), inplace=True)
            x = F.relu(self.wide(inner) + self.shortcut(x), inplace=True)
            scores: torch.Tensor = self.score(x.mean((2, 3)))
            return scores

    return Net()


@good(input="3x32x32")
def scores_of_each_place() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(64, 10, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


@good(input="1x22x1000")
def along_one_axis() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 40, (1, 25), padding=(0, 12)),
        nn.ReLU(inplace=True),
        nn.Conv2d(40, 20, (22, 1)),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(20, 4),
    )


@good(input="3x32x32")
def autoencoder() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 8, 3, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(8, 32, 4, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(32, 3, 4, stride=2, padding=1),
    )


@good(input="3x32x32")
def code() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, stride=2, padding=1), nn.ReLU(inplace=True), nn.Conv2d(64, 4, 3, stride=2, padding=1)
    )


@graph_rule(category="convolution", level="info", since="0.1", tips=("maps-grow-as-size-falls",))
def check(graph: Graph) -> Iterator[Finding]:
    """Compares the widest maps of each size, on the way to the head of an image classifier."""
    end = last_map(graph)
    if end is None or has_attention(graph) or is_decoder(graph):
        return
    maps = widths(graph, end)
    for (size, (wide, first)), (smaller, (narrow, op)) in zip(maps.items(), list(maps.items())[1:], strict=False):
        if is_halved(size, smaller) and narrow < wide:
            before, after = "x".join(map(str, size)), "x".join(map(str, smaller))
            yield op.finding(
                f"maps of {after}, which {op} is the first to make, have at most {narrow} channels, where those of "
                f"{before} have up to {wide}: add channels where the map gets smaller",
                first,
                channels_before=wide,
                channels_after=narrow,
            )


def widths(graph: Graph, end: Op) -> dict[tuple[int, ...], tuple[int, Op]]:
    """For each size of map, from large to small: the most channels of a convolution or concatenation, and the first.

    Sizes that differ by a border count as one; the single pixel of a gate is no map.
    """
    found: dict[tuple[int, ...], tuple[int, Op]] = {}
    units = graph.output.inputs[0].shape[-1]
    for op in (*ancestors(graph, end), end):
        size = map_size(op.shape)
        joined = op.name == "cat" and op.hyper.dim in (1, -3)
        if (op.name == "conv2d" or joined) and len(size) == 2 and max(size) > 1 and not makes_scores(op, units):
            key = next((other for other in found if _about_as_large(other, size)), size)
            wide, first = found.get(key, (0, op))
            found[key] = (max(wide, op.shape[1]), first)
    return dict(sorted(found.items(), reverse=True))


def makes_scores(op: Op, units: int) -> bool:
    """Whether it is the 1x1 convolution that makes a score of each class for each place."""
    return op.name == "conv2d" and max(op.hyper.kernel or (2,)) == 1 and op.shape[1] == units


def is_halved(size: tuple[int, ...], smaller: tuple[int, ...]) -> bool:
    """Whether a map became smaller on both axes alike, as images do."""
    down, across = (a / b for a, b in zip(size, smaller, strict=True))
    return down > 1 and across > 1 and 2 * down < 3 * across < 4.5 * down


def _about_as_large(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(2 * a < 3 * b and 2 * b < 3 * a for a, b in zip(one, other, strict=True))

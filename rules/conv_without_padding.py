"""A convolution without padding makes its map smaller and loses the border, layer by layer.

A 3x3 convolution that reads only whole windows makes a map two pixels smaller: 32x32 becomes 30x30, and after five such
layers 53 % of the area is gone. What lies at the border takes part in fewer windows than what lies within (a corner
pixel in one of nine), so a network learns less from it. And the size of every map, with the `in_features` of the layer
that flattens the last one, has to be computed anew when anything changes.

The tip: pad a 3x3 convolution by 1, so that it keeps the size of the map, and leave making maps smaller to pooling and
strides.

What to do: say `padding=1` for a 3x3 kernel, `padding=2` for a 5x5: `dilation * (kernel - 1) // 2`. A linear layer
behind a flattening then reads more features (the fix changes both), unless the map is averaged before.

What it costs: multiply-accumulates in proportion to the larger map, and no parameters in convolutions.

What is known today: padding by half the kernel is what VGG (arXiv:1409.1556) and ResNet (arXiv:1512.03385) do
throughout, and what residual sums need anyway. Zeros around the map also tell a network where its border is (Islam et
al. 2020, How much position information do convolutional neural networks encode?, arXiv:2001.08248). Trackers that
correlate two maps, as SiamFC (arXiv:1606.09549), leave all their convolutions unpadded to avoid that; they can switch
this rule off.

Quiet when: the kernel cuts patches (kernel = stride), covers more than half of the map (it is a down-sampling then), or
extends along one axis, or all but one of its axes span the map (1xN; sequences, where causal layers pad on one side);
the padding is given as a word (`"same"`, `"valid"`); something was put around the map before, anywhere on the way from
the input: by a padding operation, or by a convolution with more padding than it needs; the convolution is transposed;
the network crops what it joins, as the U-Net of 2015 does; the weights are fixed or computed from data. It is a note,
not a warning, where less than a tenth of the map is lost, and with a stride: a pixel or two of the border are lost
once, not in every layer.

The fix is unsafe: the maps get larger, and with them the first linear layer, so a trained network has to be trained
again.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from nnlint.edits import set_argument, set_features
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, concatenation, indexing, padding
from nnlint.maps import cuts_patches, features_after, has_own_weight, map_size, on_maps, resized
from nnlint.rule import bad, fix, good, graph_rule

forward_convolution = Kind.of("conv2d", "conv3d")
#: the share of a map whose loss is more than a note
NOTABLE = 0.1


@bad(input="3x32x32")
def valid() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 15 * 15, 10))


@bad(input="1x28x28")
def attributes_and_view() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(1, 8, 3, 1)
            self.conv2 = nn.Conv2d(8, 16, 3, 1)
            self.fc = nn.Linear(16 * 12 * 12, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = F.relu(self.conv2(F.relu(self.conv1(x))))
            scores: torch.Tensor = self.fc(F.max_pool2d(x, 2).view(-1, 16 * 12 * 12))
            return scores

    return Net()


@bad(input="8x32x32")
def functional() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.empty(8, 8, 3, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.conv2d(x, self.weight).relu().mean((2, 3))

    return Net()


@bad(input="3x32x32")
def too_little() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 16, 5, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


@good(input="3x32x32")
def padded() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 16 * 16, 10),
    )


@good(input="3x32x32")
def patches() -> nn.Module:
    return nn.Conv2d(3, 64, 3, stride=3)


@good(input="16x5x5")
def covers_the_map() -> nn.Module:
    return nn.Sequential(nn.Conv2d(16, 120, 5), nn.ReLU(inplace=True))


@good(input="32x28x28")
def along_an_axis() -> nn.Module:
    return nn.Sequential(nn.Conv2d(32, 32, (1, 7)), nn.ReLU(inplace=True))


@good(input="1x22x1000")
def spans_the_other_axis() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 16, (22, 25)), nn.ReLU(inplace=True))


@good(input="16x5x5")
def down_samples_by_its_kernel() -> nn.Module:
    return nn.Sequential(nn.Conv2d(16, 32, 3), nn.ReLU(inplace=True))


@good(input="16x18x18")
def padding_of_two_layers_in_the_first() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(16, 32, 3, padding=2), nn.ReLU(inplace=True), nn.Conv2d(32, 32, 3), nn.ReLU(inplace=True)
    )


@good(input="8x100")
def causal() -> nn.Module:
    class Causal(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(8, 8, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.conv(F.pad(x, (2, 0)))
            return out

    return Causal()


@good(input="3x32x32")
def by_a_word() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding="same"), nn.ReLU(inplace=True))


@good(input="3x32x32")
def word_valid() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding="valid"), nn.ReLU(inplace=True))


@good(input="3x32x32")
def padded_by_a_module() -> nn.Module:
    return nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(3, 16, 3), nn.ReLU(inplace=True))


@good(input="3x32x32")
def padded_by_a_function() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 16, 3, stride=2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.relu(self.conv(F.pad(x, (0, 1, 0, 1))), inplace=True)

    return Net()


@good(input="16x8x8")
def transposed() -> nn.Module:
    return nn.Sequential(nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1), nn.ReLU(inplace=True))


@good(input="1x64x64")
def valid_and_cropped() -> nn.Module:
    class SmallUNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(inplace=True))
            self.inner = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.ReLU(inplace=True))
            self.up = nn.ConvTranspose2d(32, 16, 2, stride=2)
            self.last = nn.Sequential(nn.Conv2d(32, 16, 3), nn.ReLU(inplace=True))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            skip = self.first(x)
            up = self.up(self.inner(skip))
            rim = (skip.shape[2] - up.shape[2]) // 2
            skip = skip[:, :, rim : rim + up.shape[2], rim : rim + up.shape[3]]
            out: torch.Tensor = self.last(torch.cat([skip, up], dim=1))
            return out

    return SmallUNet()


@good(input="3x32x32")
def fixed_filter() -> nn.Module:
    class Edges(nn.Module):
        sobel: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("sobel", torch.ones(1, 1, 3, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.conv2d(x.mean(dim=1, keepdim=True), self.sobel)

    return Edges()


@graph_rule(category="convolution", level="warning", since="0.1", tips=("same-padding",))
def check(graph: Graph) -> Iterator[Finding]:
    """The convolutions that lose the border of what they read."""
    found = [(conv, wanted) for conv in on_maps(graph, forward_convolution) if (wanted := missing(conv)) is not None]
    if not found or is_cropped(graph):
        return
    padded = after_padding(graph)
    for conv, wanted in found:
        if conv.index not in padded and (finding := lost(conv, wanted)):
            yield finding


def missing(conv: Op) -> tuple[int, ...] | None:
    """The padding that would keep the size of the map, where the convolution has less."""
    hyper = conv.hyper
    if hyper.kernel is None or hyper.dilation is None or not isinstance(hyper.padding, tuple):
        return None
    size = map_size(conv.in_shape)
    spread = sum(1 < kernel < axis for kernel, axis in zip(hyper.kernel, size, strict=True))
    covers = all(2 * kernel > axis for kernel, axis in zip(hyper.kernel, size, strict=True))
    if spread < 2 or covers or cuts_patches(conv) or not has_own_weight(conv) or by_word(conv):
        return None
    odd = [size >= 3 and size % 2 == 1 for size in hyper.kernel]
    half = [step * (size - 1) // 2 for size, step in zip(hyper.kernel, hyper.dilation, strict=True)]
    wanted = tuple(max(a, b) if c else b for a, b, c in zip(half, hyper.padding, odd, strict=True))
    return wanted if wanted != hyper.padding else None


def by_word(conv: Op) -> bool:
    """Whether the padding was written as a word, which the graph resolves to numbers."""
    return isinstance(getattr(conv.module, "padding", None), str)


def after_padding(graph: Graph) -> set[int]:
    """The ops that read, at whatever distance, a map to which something was added at the border."""
    found: set[int] = set()
    for op in graph.ops:
        added = op in padding | concatenation | forward_convolution and is_larger(
            map_size(op.shape), map_size(op.in_shape)
        )
        if added or any(source.index in found for source in op.inputs):
            found.add(op.index)
    return found


def is_cropped(graph: Graph) -> bool:
    """Whether the border of a map is cut off somewhere, to fit one that has lost its own: it is given up on purpose."""
    for op in graph.ops:
        before, after = map_size(op.in_shape), map_size(op.shape)
        if (
            op in indexing | padding
            and is_larger(before, after)
            and all(2 * b > a for a, b in zip(before, after, strict=True))
        ):
            return True
    return False


def is_larger(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether one map is larger than the other on some axis, and on none smaller."""
    return len(one) == len(other) > 1 and one != other and all(a >= b for a, b in zip(one, other, strict=True))


def lost(conv: Op, wanted: tuple[int, ...]) -> Finding | None:
    """The finding: the size of the map before, after, and with the padding it wants."""
    hyper, before, after = conv.hyper, map_size(conv.in_shape), map_size(conv.shape)
    strided = hyper.stride is not None and max(hyper.stride) > 1
    text = padding_text(wanted)
    kernel = "x".join(map(str, hyper.kernel or ()))
    with_it = resized(conv, before, padding=wanted)
    if with_it is None or with_it == after:
        return None
    has = f"padding {padding_text(hyper.padding)}" if any(hyper.padding or ()) else "no padding"
    sizes = f"{by(before)} becomes {by(after)}"
    kept = f"padding={text} {'makes it ' + by(with_it) if strided else 'keeps the size'}"
    share = 1 - math.prod(after) / math.prod(with_it)
    finding = conv.finding(
        f"{conv} has a {kernel} kernel and {has}: the map of {sizes}; {kept}", padding=text, lost=round(share, 4)
    )
    return replace(finding, level="info") if strided or share < NOTABLE else finding


def by(size: tuple[int, ...]) -> str:
    """A size as text: 32x32."""
    return "x".join(map(str, size))


def padding_text(padding: tuple[int, ...] | str | None) -> str:
    """A padding as it is written: one number where all axes have the same."""
    return str(padding[0] if isinstance(padding, tuple) and len({*padding}) == 1 else padding)


@fix(safe=False)
def pad(finding: Finding) -> tuple[Edit, ...] | None:
    """The padding, and the features that the flattened map then has."""
    conv = finding.subjects[0]
    wanted = missing(conv)
    edit = set_argument(conv, "padding", padding_text(wanted), position=4)
    size = resized(conv, map_size(conv.in_shape), padding=wanted)
    if edit is None or size is None:
        return None
    edits = [edit]
    for op, features in (features_after(conv, size) or {}).items():
        more = set_features(op, *features)
        if more is None:
            return None
        edits += more
    return tuple(edits)

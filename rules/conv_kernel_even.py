"""A kernel of even size has no centre: the map shifts by half a pixel, or loses a row and a column.

A 2x2 or 4x4 window lies around no pixel of its input. With stride 1 the output either is one row and one column smaller
than the input or larger, or gets its padding on one side only; and each such layer moves what it saw by half a pixel
against the input. After a few layers the maps no longer lie over each other, which a residual sum or a concatenation
takes for granted.

The tip: use 3x3 kernels throughout.

What to do: take 3x3 with padding 1 for a 2x2, or 5x5 with padding 2 (better two 3x3) for a 4x4.

What it costs: 9 weights where a 2x2 has 4, and 18 in two layers for the 16 of a 4x4.

What is known today: Wu et al. 2019 (Convolution with even-sized kernels and symmetric padding, arXiv:1903.08385)
measured the shift: stacked even kernels move the features to a corner, and networks with them lose accuracy unless they
are padded on different sides in different groups of channels.

Quiet when: the stride is even too, as in the 4x4 with stride 2 and padding 1 of GANs, where windows lie symmetrically
around the points of the coarser map; the kernel cuts patches (kernel = stride) or covers the whole map; the convolution
is transposed; the kernel extends along one axis only, or covers the others (sequences: half a step is a delay); the map
was padded on purpose just before, or is cropped just after; the weights are fixed or computed.
"""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, indexing, padding
from nnlint.maps import cuts_patches, has_own_weight, map_size, on_maps
from nnlint.rule import bad, good, graph_rule


@bad(input="1x28x28")
def two_by_two() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 16, 2), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 27 * 27, 10))


@bad(input="8x32x32")
def four_by_four_by_attribute() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(8, 16, kernel_size=4, padding="same")

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.relu(self.conv(x))

    return Net()


@bad(input="8x32x32")
def functional() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.empty(8, 8, 2, 2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.conv2d(x, self.weight, padding=1).relu()

    return Net()


@good(input="3x32x32")
def three_by_three() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(inplace=True))


@good(input="3x32x32")
def patches() -> nn.Module:
    return nn.Conv2d(3, 64, 4, stride=4)


@good(input="3x64x64")
def even_stride() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 64, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True))


@good(input="64x4x4")
def covers_the_map() -> nn.Module:
    return nn.Conv2d(64, 1, 4)


@good(input="16x8x8")
def transposed() -> nn.Module:
    return nn.Sequential(nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1), nn.ReLU(inplace=True))


@good(input="8x1x100")
def along_a_sequence() -> nn.Module:
    return nn.Sequential(nn.Conv2d(8, 16, (1, 64)), nn.ReLU(inplace=True))


@good(input="1x22x1000")
def covers_one_axis() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 16, (22, 26)), nn.ReLU(inplace=True))


@good(input="3x32x32")
def padded_on_purpose() -> nn.Module:
    return nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(3, 16, 2), nn.ReLU(inplace=True))


@good(input="3x32x32")
def cropped_after() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 16, 4, padding=2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.relu(self.conv(x)[:, :, :-1, :-1])

    return Net()


@good(input="1x32x32")
def fixed_filter() -> nn.Module:
    class Haar(nn.Module):
        filters: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("filters", torch.ones(4, 1, 2, 2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.conv2d(x, self.filters)

    return Haar()


@graph_rule(category="convolution", level="info", since="0.1", tips=("small-kernels",))
def check(graph: Graph) -> Iterator[Finding]:
    """The kernels that are even on an axis where the stride is odd."""
    for conv in on_maps(graph, Kind.of("conv2d", "conv3d")):
        kernel, stride = conv.hyper.kernel, conv.hyper.stride
        if kernel is None or stride is None or is_deliberate(conv):
            continue
        open_axes = [i for i, axis in enumerate(map_size(conv.in_shape)) if 1 < kernel[i] < axis]
        if len(open_axes) > 1 and any(kernel[i] % 2 == 0 and stride[i] % 2 == 1 for i in open_axes):
            size = "x".join(map(str, kernel))
            yield conv.finding(
                f"{conv} has a {size} kernel, which has no centre: what it makes lies half a pixel beside what it "
                f"reads; take an odd one, such as 3x3 with padding 1"
            )


def is_deliberate(conv: Op) -> bool:
    """Whether an even kernel does no harm there, or its shift was thought of."""
    if cuts_patches(conv) or not has_own_weight(conv):
        return True
    before, after = conv.inputs[:1], conv.users
    return any(op in padding for op in before) or any(op in padding | indexing for op in after)

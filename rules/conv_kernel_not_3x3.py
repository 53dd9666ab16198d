"""A large kernel costs more than the stack of 3x3 convolutions that sees as much.

Two 3x3 convolutions see the same 5x5 window as one 5x5 convolution, three the same as a 7x7: with 18 C² weights where
the 5x5 has 25 C² (27 C² for the 49 C² of the 7x7), and with one or two more activations on the way. A 2x2 kernel has no
centre: it shifts the map by half a pixel, or shrinks it. The tip: use 3x3 kernels throughout.

What to do: replace the layer by 3x3 convolutions with padding 1 and the network's activation between them. The new
layers have other parameters, so a trained network has to be trained again.

What is known today: the argument is VGG's (Simonyan and Zisserman 2015, arXiv:1409.1556), and cheap stems of three 3x3
layers replaced ResNet's 7x7 (He et al. 2019, arXiv:1812.01187). Where the input has few channels, as in a stem, the
stack has *more* weights: the finding says both numbers, and what is left of the argument is the additional activations.
Large kernels are back where they are depthwise (ConvNeXt, arXiv:2201.03545; RepLKNet, arXiv:2203.06717): there a
weight costs a C-th of what it does here, and this rule has nothing to say.

Quiet when: the kernel is 1x1, or 1xN and Nx1 in turn; the convolution is depthwise or grouped, dilated, 1-D or 3-D; it
cuts its input into patches (kernel = stride); it halves the map exactly (4x4, stride 2, padding 1); the kernel covers
the whole map, as in LeNet's last convolution.
"""

from collections.abc import Iterator

from torch import nn

from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind
from nnlint.rule import bad, good, graph_rule

conv2d = Kind.of("conv2d")


@bad(input="3x32x32")
def five_by_five() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(64, 64, 5, padding=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


@bad(input="1x28x28")
def two_by_two() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 16, 2), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 27 * 27, 10))


@good(input="3x32x32")
def two_layers_that_see_as_much() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(64, 64, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(64, 64, 3, padding=1),
        nn.ReLU(),
    )


@good(input="16x32x32")
def one_by_one() -> nn.Module:
    return nn.Conv2d(16, 32, 1)


@good(input="32x32x32")
def depthwise() -> nn.Module:
    return nn.Sequential(nn.Conv2d(32, 32, 7, padding=3, groups=32), nn.Conv2d(32, 64, 1), nn.ReLU())


@good(input="3x224x224")
def patches() -> nn.Module:
    return nn.Conv2d(3, 192, kernel_size=16, stride=16)


@good(input="32x28x28")
def rows_then_columns() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(32, 32, (1, 7), padding=(0, 3)), nn.Conv2d(32, 32, (7, 1), padding=(3, 0)), nn.ReLU()
    )


@good(input="3x64x64")
def halves_the_map() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 64, 4, stride=2, padding=1), nn.LeakyReLU(0.2))


@good(input="16x5x5")
def covers_the_map() -> nn.Module:
    return nn.Sequential(nn.Conv2d(16, 120, 5), nn.Tanh())


@good(input="16x32x32")
def dilated() -> nn.Module:
    return nn.Conv2d(16, 16, 5, padding=4, dilation=2)


@good(input="8x100")
def one_dimensional() -> nn.Module:
    return nn.Conv1d(8, 16, 9, padding=4)


@good(input="1x8x32x32")
def three_dimensional() -> nn.Module:
    return nn.Conv3d(1, 8, 5, padding=2)


@graph_rule(category="convolution", level="info", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    """The dense convolutions whose kernel is none of the common forms."""
    for conv in graph.find(conv2d):
        kernel = conv.hyper.kernel
        if kernel is None or not is_unusual(conv, kernel):
            continue
        size = "x".join(map(str, kernel))
        if 2 in kernel:
            yield conv.finding(
                f"{conv} has a {size} kernel, which has no centre; 3x3 with padding 1 keeps the map aligned"
            )
        elif layers := stack(kernel):
            yield large(conv, size, layers)


def is_unusual(conv: Op, kernel: tuple[int, ...]) -> bool:
    """Whether none of the reasons to choose another kernel than 3x3 applies."""
    hyper = conv.hyper
    covers = all(size >= axis for size, axis in zip(kernel, conv.in_shape[-2:], strict=True))
    common = 1 in kernel or kernel in ((3, 3), hyper.stride) or covers
    halves = (kernel, hyper.stride, hyper.padding) == ((4, 4), (2, 2), (1, 1))
    return hyper.groups == 1 and hyper.dilation == (1, 1) and not (common or halves)


def stack(kernel: tuple[int, ...]) -> list[tuple[int, int]]:
    """The kernels, none above 3, that together see what this one sees (or one pixel more, if its size is even)."""
    steps = [size // 2 for size in kernel]
    return [(3 if i < steps[0] else 1, 3 if i < steps[1] else 1) for i in range(max(steps))]


def large(conv: Op, size: str, layers: list[tuple[int, int]]) -> Finding:
    """The finding, with the weights (and, where the map keeps its size, the multiply-accumulates) of both forms."""
    before, after = conv.hyper.in_channels or 0, conv.hyper.out_channels or 0
    kernel = conv.hyper.kernel or ()
    now = before * after * kernel[0] * kernel[1]
    then = sum(a * b * (after if i else before) * after for i, (a, b) in enumerate(layers))
    facts: dict[str, int] = {"weights": now, "weights_3x3": then}
    if conv.macs and conv.hyper.stride == (1, 1):
        facts |= {"macs": conv.macs, "macs_3x3": conv.macs * then // now}
    name = "3x3" if len(set(layers)) == 1 else "smaller"
    number = {2: "two", 3: "three", 4: "four", 5: "five"}.get(len(layers), str(len(layers)))
    activations = f"{len(layers) - 1} more activation{'s' if len(layers) > 2 else ''}"
    cost = f"{then:,} and {activations}" if then <= now else f"more weights here ({then:,}) but {activations}"
    return conv.finding(
        f"{conv} has a {size} kernel with {now:,} weights; {number} {name} convolutions see as much with {cost}",
        **facts,
    )

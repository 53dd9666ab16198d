"""A large kernel costs more than the stack of 3x3 convolutions that sees as much.

Two 3x3 convolutions see the same 5x5 window as one 5x5 convolution, three the same as a 7x7: with 18 C² weights where
the 5x5 has 25 C² (27 C² for the 49 C² of the 7x7), and with one or two more activations on the way. Where the large
kernel has a stride, the first 3x3 takes it over, and what follows sees twice as far: a 7x7 with stride 2 becomes two
layers.

The tip: use 3x3 kernels throughout, and stack them where more has to be seen.

What to do: replace the layer by 3x3 convolutions with padding 1 and the network's activation between them.

What it costs: the finding says how many weights both forms have (and multiply-accumulates, as facts). Where the input
has few channels, as in a stem on RGB images, the stack is the more expensive one, because its second layer reads as
many channels as the layer makes: what it buys there is the additional activations, and the finding says at which price.

What is known today: the argument is VGG's (Simonyan and Zisserman 2015, arXiv:1409.1556). Stems of three 3x3 layers,
the first two with half the channels, replaced ResNet's 7x7 with a gain in accuracy and at some more cost (ResNet-C of
He et al. 2019, arXiv:1812.01187). Large kernels are back where they are depthwise (ConvNeXt, arXiv:2201.03545;
RepLKNet, arXiv:2203.06717): on C channels such a kernel has a C-th of the weights, and this rule is quiet.

Quiet when: the kernel is 1x1, or 1xN and Nx1 in turn; the convolution is depthwise or grouped, dilated, 1-D or 3-D; it
cuts its input into patches (kernel = stride); it halves the map exactly (4x4, stride 2, padding 1); the kernel covers
the whole map, as in LeNet's last convolution; the kernel is even (`conv-kernel-even` says what is wrong with it); no
stack of 3x3 has its stride (5, say); its weights are fixed or computed.

The fix is unsafe: the stack has other parameters, so a trained network has to be trained again. A layer without padding
gets its padding first.
"""

import ast
import re
from collections.abc import Iterator

import torch
from torch import nn

from nnlint.edits import in_place_of, text_of
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import activation, normalisation
from nnlint.maps import along_one_axis, covers_map, cuts_patches, has_own_weight
from nnlint.rule import bad, fix, good, graph_rule

#: one 3x3 (or, for an axis that is done, 1) layer of the stack: kernel and stride for each axis
Layer = tuple[tuple[int, int], tuple[int, int]]
NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}


@bad(input="3x32x32")
def five_by_five() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(64, 64, 5, padding=2),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


@bad(input="3x64x64")
def stem() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(64), nn.ReLU())


@bad(input="16x32x32")
def functional() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.empty(16, 16, 7, 7))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.conv2d(x, self.weight, padding=3).relu()

    return Net()


@good(input="3x32x32")
def two_layers_that_see_as_much() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(64, 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(64, 64, 3, padding=1),
        nn.ReLU(inplace=True),
    )


@good(input="16x32x32")
def one_by_one() -> nn.Module:
    return nn.Conv2d(16, 32, 1)


@good(input="32x32x32")
def depthwise() -> nn.Module:
    return nn.Sequential(nn.Conv2d(32, 32, 7, padding=3, groups=32), nn.Conv2d(32, 64, 1), nn.ReLU(inplace=True))


@good(input="3x224x224")
def patches() -> nn.Module:
    return nn.Conv2d(3, 192, kernel_size=16, stride=16)


@good(input="32x28x28")
def rows_then_columns() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(32, 32, (1, 7), padding=(0, 3)), nn.Conv2d(32, 32, (7, 1), padding=(3, 0)), nn.ReLU(inplace=True)
    )


@good(input="3x64x64")
def halves_the_map() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 64, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True))


@good(input="16x5x5")
def covers_the_map() -> nn.Module:
    return nn.Sequential(nn.Conv2d(16, 120, 5), nn.ReLU(inplace=True))


@good(input="16x32x32")
def dilated() -> nn.Module:
    return nn.Conv2d(16, 16, 5, padding=4, dilation=2)


@good(input="8x100")
def one_dimensional() -> nn.Module:
    return nn.Conv1d(8, 16, 9, padding=4)


@good(input="1x8x32x32")
def three_dimensional() -> nn.Module:
    return nn.Conv3d(1, 8, 5, padding=2)


@good(input="3x32x32")
def fixed_filter() -> nn.Module:
    class Blur(nn.Module):
        window: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("window", torch.full((1, 1, 5, 5), 1 / 25))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.conv2d(x.mean(dim=1, keepdim=True), self.window, padding=2)

    return Blur()


@graph_rule(category="convolution", level="info", since="0.1", tips=("small-kernels",))
def check(graph: Graph) -> Iterator[Finding]:
    """The dense convolutions whose kernel is none of the common forms."""
    for conv in graph.find("conv2d"):
        kernel, stride = conv.hyper.kernel, conv.hyper.stride
        if kernel is None or stride is None or not is_unusual(conv, kernel):
            continue
        if layers := stack(kernel, stride):
            yield large(conv, "x".join(map(str, kernel)), layers)


def is_unusual(conv: Op, kernel: tuple[int, ...]) -> bool:
    """Whether none of the reasons to choose another kernel than 3x3 applies."""
    if conv.hyper.groups != 1 or conv.hyper.dilation != (1, 1) or not has_own_weight(conv):
        return False
    if max(kernel) <= 3 or any(size % 2 == 0 for size in kernel):
        return False
    return 1 not in kernel and not (along_one_axis(conv) or covers_map(conv) or cuts_patches(conv))


def stack(kernel: tuple[int, ...], stride: tuple[int, ...]) -> list[Layer]:
    """The layers of 3x3 that together see what this one sees, or a little more; none if none has its stride."""
    axes = [_along_axis(size, step) for size, step in zip(kernel, stride, strict=True)]
    if not all(axes):
        return []
    rows, columns = (axis + [(1, 1)] * (max(map(len, axes)) - len(axis)) for axis in axes)
    return [((a, b), (s, t)) for (a, s), (b, t) in zip(rows, columns, strict=True)]


def _along_axis(size: int, stride: int) -> list[tuple[int, int]]:
    strides = []
    for factor in (3, 2):
        while stride % factor == 0:
            strides.append(factor)
            stride //= factor
    if stride != 1:
        return []
    layers, seen, jump = [], 1, 1
    while strides or seen < size:
        step = strides.pop() if strides else 1
        layers.append((3, step))
        seen += 2 * jump
        jump *= step
    return layers


def large(conv: Op, size: str, layers: list[Layer]) -> Finding:
    """The finding, with the weights and multiply-accumulates of both forms."""
    before, after = conv.hyper.in_channels or 0, conv.hyper.out_channels or 0
    kernel = conv.hyper.kernel or ()
    now = before * after * kernel[0] * kernel[1]
    inner = width(conv)
    channels = [before, *[inner] * (len(layers) - 1), after]
    weights = [a * b * channels[i] * channels[i + 1] for i, ((a, b), _) in enumerate(layers)]
    then = sum(weights)
    facts: dict[str, int] = {"weights": now, "weights_3x3": then}
    if conv.macs:
        facts |= {"macs": conv.macs, "macs_3x3": _macs(conv.macs // now, weights, layers)}
    strided = any(max(step) > 1 for _, step in layers)
    name = "smaller" if any(1 in sizes for sizes, _ in layers) else "3x3"
    several = f"{NUMBERS.get(len(layers), str(len(layers)))} {name} convolutions"
    details = [f"{inner} channels between them"] if inner != after else []
    details += ["the first takes the stride"] if strided else []
    several += f" ({', '.join(details)})" if details else ""
    more = f"{NUMBERS.get(len(layers) - 1, str(len(layers) - 1))} more activation{'s' if len(layers) > 2 else ''}"
    if then <= now:
        gain = f"{several} see as much with {then:,} and {more}"
    else:
        several += f" see as much and add {more}"
        gain = f"{several}, which on {before} input channel{'s' if before > 1 else ''} costs weights: {then:,}"
    return conv.finding(f"{conv} has a {size} kernel with {now:,} weights; {gain}", **facts)


def width(conv: Op) -> int:
    """The channels between the layers of the stack: where the layer widens its map, half of what it makes."""
    before, after = conv.hyper.in_channels or 0, conv.hyper.out_channels or 0
    return after // 2 if before < after and after % 2 == 0 else after


def _macs(positions: int, weights: list[int], layers: list[Layer]) -> int:
    """The multiply-accumulates of the stack: a layer before a stride works on as many more positions."""
    total = 0
    for weight, (_, (down, across)) in zip(reversed(weights), reversed(layers), strict=True):
        total += weight * positions
        positions *= down * across
    return total


#: the arguments of nn.Conv2d in order; one that is not among the first five and `bias` is left alone
ARGUMENTS = ("in_channels", "out_channels", "kernel_size", "stride", "padding")


@fix(safe=False)
def into_a_stack(finding: Finding) -> Edit | None:
    """The constructor's call becomes 3x3 convolutions, with the norm and activation that follow it between them."""
    conv = finding.subjects[0]
    text = text_of(conv.site) if conv.site and conv.module is not None else None
    call = _parsed(text)
    layers = stack(conv.hyper.kernel or (), conv.hyper.stride or ())
    if conv.site is None or text is None or call is None or not _is_padded(conv) or len({*layers[0][0]}) > 1:
        return None
    name = ast.get_source_segment(text, call.func) or ""
    given = {ARGUMENTS[i]: value for i, value in enumerate(call.args[:5])}
    given |= {keyword.arg or "": keyword.value for keyword in call.keywords}
    extra = set(given) - {*ARGUMENTS, "bias"}
    kernel = given.get("kernel_size")
    if len(call.args) > 5 or extra or not name.endswith(".Conv2d") or not isinstance(kernel, ast.Constant):
        return None
    texts = {key: ast.get_source_segment(text, value) or "" for key, value in given.items()}
    between = _between(conv, name.removesuffix("Conv2d"), _inner(conv, texts["out_channels"]))
    channels = [texts["in_channels"], *[_inner(conv, texts["out_channels"])] * (len(layers) - 1), texts["out_channels"]]
    bias = f", bias={texts['bias']}" if "bias" in texts else ""
    parts = [
        f"{name}({channels[i]}, {channels[i + 1]}, 3{_step(step[0])}, padding=1{bias})"
        for i, (_, step) in enumerate(layers)
    ]
    return in_place_of(conv, [text for part in parts for text in (*between, part)][len(between) :])


def _parsed(text: str | None) -> ast.Call | None:
    try:
        tree = ast.parse(text or "", mode="eval").body
    except SyntaxError:
        return None
    return tree if isinstance(tree, ast.Call) and not any(isinstance(a, ast.Starred) for a in tree.args) else None


def _is_padded(conv: Op) -> bool:
    """Whether it keeps the size of its map, as the stack does; an unpadded one is `conv-without-padding` first."""
    kernel = conv.hyper.kernel or ()
    same = conv.hyper.padding == tuple(size // 2 for size in kernel)
    return same and len({*kernel}) == 1 and conv.hyper.padding_mode in (None, "zeros")


def _step(stride: int) -> str:
    return f", stride={stride}" if stride > 1 else ""


def _inner(conv: Op, text: str) -> str:
    """The channels between the layers, as text: of a layer in a loop they are not the same every time."""
    if width(conv) == conv.hyper.out_channels:
        return text
    if text.isdigit():
        return str(width(conv))
    doubled = re.fullmatch(r"2 ?\* ?(\w+)|(\w+) ?\* ?2", text)
    if doubled:
        return doubled[1] or doubled[2]
    return f"{text} // 2" if text.isidentifier() else f"({text}) // 2"


def _between(conv: Op, prefix: str, channels: str) -> list[str]:
    """The norm and the activation that follow the layer, as they are written; ReLU where they are not modules."""
    parts = []
    op = conv.users[0] if len(conv.users) == 1 else None
    if op is not None and op in normalisation:
        text = text_of(op.site) if op.module is not None and op.site else None
        norm = _parsed(text)
        if text and norm and norm.args and (first := ast.get_source_segment(text, norm.args[0])):
            parts.append(text.replace(first, channels, 1))
        op = op.users[0] if len(op.users) == 1 else None
    text = text_of(op.site) if op is not None and op in activation and op.module is not None and op.site else None
    return [*parts, text if text and text.endswith(")") else f"{prefix}ReLU(inplace=True)"]

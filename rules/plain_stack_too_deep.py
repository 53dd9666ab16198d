"""Many weighted layers in a row have no skip connection around any of them, which trains badly.

With nothing going around, the gradient of the first layer is a product of as many factors as there are layers behind
it. Without a norm it vanishes or explodes. With batch norm its size stays reasonable, and such networks are hard to
optimise all the same: the deeper plain network ends with a *higher training* error than the shallower one, so it is not
overfitting.

The tip: build very deep networks from residual blocks.

What to do: put the layers into blocks whose input is added to their output (`x + block(x)`), with a 1x1 convolution on
the shortcut where the number of channels or the size changes; normalise inside the block.

What it costs: an addition a block; 1x1 convolutions where sizes change, a few percent of the parameters. It is another
network, which has to be trained anew.

What is known today: He et al. 2015 (arXiv:1512.03385) show it on CIFAR-10 and ImageNet: 34 plain layers did worse than
18 on ImageNet, with batch norm in both and gradients of a healthy size (Balduzzi et al. 2017, arXiv:1702.08591, find
that they come to resemble white noise with depth). VGG (arXiv:1409.1556) has no norm: its network of 11 layers could be
trained from a random start, and lent some of its layers to those of 13 to 19. Plain networks of great depth can be
trained with an initialisation made for it (Xiao et al. 2018, arXiv:1806.05393), or be what residual networks are folded
into afterwards (RepVGG, arXiv:2101.03697).

Quiet when: there are fewer such layers than `maximum` (20), or than `maximum-without-norm` (12) where nothing is
normalised (higher where an initialisation is made for depth); anything goes around them: a sum, a concatenation, the
indices of a pooling (every path from the input to the output counts, whatever the modules are called), or around layers
between them; depthwise and pointwise convolution count as one layer, recurrent layers as none; the activations are SELU
or sines, with initialisations of their own; the weights are normalised or computed; an operation is not known.
"""

from collections.abc import Iterator

import torch
from torch import nn

from nnlint.algorithms import bottlenecks
from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, convolution, linear, normalisation, unit_length, weight_norm
from nnlint.rule import bad, good, graph_rule

layers = convolution | linear
self_normalising = Kind.of("selu", "sin")
norms = normalisation | unit_length | weight_norm


def plain(depth: int, width: int = 8, *, norm: bool = True) -> list[nn.Module]:
    """Convolutions in a row."""
    made: list[nn.Module] = []
    for i in range(depth):
        made.append(nn.Conv2d(width if i else 3, width, 3, 1 + (i in (2, 5)), 1, bias=not norm))
        made += [nn.BatchNorm2d(width)] if norm else []
        made.append(nn.ReLU(inplace=True))
    return made


def head(width: int = 8) -> list[nn.Module]:
    """What makes ten scores of the last map."""
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)]


class Residual(nn.Module):
    """A block with a way around it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The input and what the block adds."""
        out: torch.Tensor = x + self.branch(x)
        return out


@bad(input="3x32x32")
def twenty_convolutions() -> nn.Module:
    return nn.Sequential(*plain(20), *head())


@bad(input="3x32x32")
def twelve_without_any_norm() -> nn.Module:
    return nn.Sequential(*plain(11, norm=False), *head())


@bad(input="16")
def a_loop_of_linear_layers() -> nn.Module:
    class Deep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(16, 16) for _ in range(12))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for layer in self.layers:
                x = layer(x).relu()
            return x

    return Deep()


@good(input="3x32x32")
def residual_blocks() -> nn.Module:
    body = [block for _ in range(6) for block in (Residual(8), Residual(8))]
    return nn.Sequential(*plain(6), *body, nn.BatchNorm2d(8), nn.ReLU(inplace=True), *head())


@good(input="3x64x64")
def twelve_with_norm() -> nn.Module:
    return nn.Sequential(*plain(12), *head())


@good(input="3x32x32")
def one_way_around_everything() -> nn.Module:
    class Denoiser(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.noise = nn.Sequential(
                nn.Conv2d(3, 8, 3, padding=1),
                nn.ReLU(inplace=True),
                *[layer for _ in range(20) for layer in self.layer()],
            )
            self.last = nn.Conv2d(8, 3, 3, padding=1)

        def layer(self) -> list[nn.Module]:
            return [nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True)]

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = x - self.last(self.noise(x))
            return out

    return Denoiser()


@good(input="3x32x32")
def concatenated() -> nn.Module:
    class Dense(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
            self.layers = nn.ModuleList(
                nn.Sequential(
                    nn.BatchNorm2d(8 + 4 * i), nn.ReLU(inplace=True), nn.Conv2d(8 + 4 * i, 4, 3, padding=1, bias=False)
                )
                for i in range(20)
            )
            self.norm = nn.BatchNorm2d(88)
            self.head = nn.Sequential(nn.ReLU(inplace=True), *head(88))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.first(x)
            for layer in self.layers:
                x = torch.cat([x, layer(x)], dim=1)
            scores: torch.Tensor = self.head(self.norm(x))
            return scores

    return Dense()


@good(input="3x192x192")
def a_way_around_every_other_layer() -> nn.Module:
    return nn.Sequential(*plain(6), *[layer for _ in range(16) for layer in (Residual(8), *plain(2)[3:])], *head())


@good(input="3x192x192")
def depthwise_and_pointwise() -> nn.Module:
    def block(width: int) -> list[nn.Module]:
        return [
            nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        ]

    return nn.Sequential(*plain(9), *[layer for _ in range(9) for layer in block(8)], *head())


@good(input="50x16")
def recurrent_layers() -> nn.Module:
    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(16, 16, num_layers=24, batch_first=True)
            self.score = nn.Linear(16, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            scores: torch.Tensor = self.score(self.lstm(x)[0])
            return scores

    return Tagger()


@good(input="16")
def self_normalising_network() -> nn.Module:
    body = [layer for _ in range(12) for layer in (nn.Linear(16, 16), nn.SELU(inplace=True))]
    return nn.Sequential(*body, nn.Linear(16, 2))


@graph_rule(category="convolution", level="warning", since="0.1", tips=("residual-blocks",))
def check(graph: Graph, *, maximum: int = 20, maximum_without_norm: int = 12) -> Iterator[Finding]:
    """Counts the weighted layers that every path from the input to the output goes through."""
    normalised = any(op in norms or op.weights for op in graph.ops)
    limit = maximum if normalised else maximum_without_norm
    if sum(op in layers for op in graph.ops) < limit or any(op in self_normalising for op in graph.ops):
        return
    stack = longest_run(graph)
    if len(stack) < limit:
        return
    norm = "" if normalised else " and no normalisation"
    yield stack[0].finding(
        f"{len(stack)} weighted layers, from {stack[0]} to {stack[-1]}, with no connection around any of them{norm}: "
        f"such a stack is hard to optimise; put its layers into residual blocks",
        stack[-1],
        layers=len(stack),
    )


def longest_run(graph: Graph) -> list[Op]:
    """The most weighted layers in a row that nothing goes around, with none between them that something goes around."""
    unavoidable = {op.index for op in bottlenecks(graph)}
    longest: list[Op] = []
    run: list[Op] = []
    for op in graph.find(layers):
        if op.index not in unavoidable:
            run = []
        elif not is_depthwise(op):
            run.append(op)
            longest = max(longest, run, key=len).copy()
    return longest


def is_depthwise(op: Op) -> bool:
    """Whether it is the first half of a depthwise separable convolution."""
    groups = op.hyper.groups or 1
    return groups > 1 and groups == op.hyper.in_channels

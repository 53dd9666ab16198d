"""A deep network has no normalisation.

Without a norm, the scale of the activations is the product of all the layers before: a little too large or too small in
each, and gradients explode or vanish. Such a network needs a small learning rate and a careful initialisation to train.

The tip: use batch norm.

What to do: a norm after every convolution and before its activation, `nn.BatchNorm2d(channels)` with batches of 16 and
more, `nn.GroupNorm` with smaller ones. The convolution needs no bias then.

What it costs: two parameters a channel, next to nothing beside the weights; in training the norm's input is kept for
the backward pass, and at inference batch norm can be folded into the convolution.

What is known today: batch norm allows larger learning rates and makes the initialisation matter less (Ioffe and Szegedy
2015, arXiv:1502.03167; Santurkar et al. 2018, arXiv:1805.11604, on why). Deep networks train without it if something
else keeps the scale: SELU (Klambauer et al. 2017, arXiv:1706.02515), scaled initialisation and learnt scalars (Fixup,
Zhang et al. 2019, arXiv:1901.09321), standardised weights (Brock et al. 2021, arXiv:2102.06171). Some tasks do better
without: super-resolution (Lim et al. 2017, arXiv:1707.02921), the critic of a WGAN with gradient penalty (Gulrajani et
al. 2017, arXiv:1704.00028), coordinate networks.

Quiet when: fewer than six convolutions, or eight layers with weights, follow each other; there is a norm of any kind,
also one written by hand, or a function nnlint has no name for; the activation is SELU or a sine; weights are
normalised (weight norm, spectral norm, weight standardisation); learnt scalars scale the branches; the layers are
frozen; the map grows, as in super-resolution; the network has no convolutions but a skip connection, as networks of
coordinates have.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from nnlint.algorithms import longest_path
from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, convolution, linear, merging, normalisation, unit_length, weight_norm
from nnlint.rule import bad, good, graph_rule

layers = convolution | linear
scaling = Kind.of("mul", "addcmul")
#: keeps the scale of activations or weights, or is part of a norm written by hand
steadying = (
    normalisation
    | unit_length
    | weight_norm
    | Kind.of("selu", "alpha_dropout", "sin", "cos", "rsqrt", "std", "var", "std_mean", "var_mean")
    | Kind.of("norm", "vector_norm", "matrix_norm")
)


@bad(input="3x32x32", loss="cross_entropy")
def six_convolutions() -> nn.Module:
    convolutions = [layer for _ in range(6) for layer in (nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(inplace=True))]
    return nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 10))


@bad(input="3x32x32")
def in_forward() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 32, 3, padding=1)
            self.convs = nn.ModuleList(nn.Conv2d(32, 32, 3, padding=1) for _ in range(7))

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x).relu_()
            for conv in self.convs:
                x = x + conv(x).relu_()
            return x

    return Net()


@bad(input="16", loss="cross_entropy")
def deep_and_fully_connected() -> nn.Module:
    hidden = [layer for _ in range(8) for layer in (nn.Linear(16, 16), nn.ReLU(inplace=True))]
    return nn.Sequential(*hidden, nn.Linear(16, 2))


@good(input="3x32x32", loss="cross_entropy")
def with_batch_norm() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.Conv2d(64, 64, 3, padding=1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3, padding=1, bias=False),
        nn.BatchNorm2d(128),
        nn.ReLU(inplace=True),
        nn.Conv2d(128, 128, 3, padding=1, bias=False),
        nn.BatchNorm2d(128),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(128, 10),
    )


@good(input="3x32x32", loss="cross_entropy")
def shallow() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


@good(input="16", loss="cross_entropy")
def selu() -> nn.Module:
    hidden = [layer for _ in range(8) for layer in (nn.Linear(16, 16), nn.SELU(inplace=True))]
    return nn.Sequential(*hidden, nn.Linear(16, 2))


@good(input="16", loss="cross_entropy")
def weight_normalised() -> nn.Module:
    norm = nn.utils.parametrizations.weight_norm
    hidden = [layer for _ in range(8) for layer in (norm(nn.Linear(16, 16)), nn.ReLU(inplace=True))]
    return nn.Sequential(*hidden, nn.Linear(16, 2))


@good(input="16", loss="cross_entropy")
def norm_by_hand() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(16, 16) for _ in range(8))
            self.head = nn.Linear(16, 2)

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = layer(x)
                x = (x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + 1e-6)).relu_()
            out: Tensor = self.head(x)
            return out

    return Net()


@good(input="16", loss="cross_entropy")
def learnt_scalars() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(16, 16) for _ in range(8))
            self.scales = nn.ParameterList(nn.Parameter(torch.zeros(())) for _ in range(8))
            self.head = nn.Linear(16, 2)

        def forward(self, x: Tensor) -> Tensor:
            for layer, scale in zip(self.layers, self.scales, strict=True):
                x = x + scale * layer(x).relu_()
            out: Tensor = self.head(x)
            return out

    return Net()


@good(input="16", loss="cross_entropy")
def frozen() -> nn.Module:
    hidden = [layer for _ in range(8) for layer in (nn.Linear(16, 16), nn.ReLU(inplace=True))]
    return nn.Sequential(nn.Sequential(*hidden).requires_grad_(False), nn.Linear(16, 2))


@good(input="3x16x16")
def super_resolution() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 32, 3, padding=1)
            self.convs = nn.ModuleList(nn.Conv2d(32, 32, 3, padding=1) for _ in range(6))
            self.out = nn.Conv2d(32, 12, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            for conv in self.convs:
                x = x + conv(x.relu())
            return nn.functional.pixel_shuffle(self.out(x), 2)

    return Net()


@good(input="63")
def coordinates() -> nn.Module:
    class Field(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Linear(63, 64)
            self.first = nn.ModuleList(nn.Linear(64, 64) for _ in range(3))
            self.joint = nn.Linear(127, 64)
            self.second = nn.ModuleList(nn.Linear(64, 64) for _ in range(3))
            self.head = nn.Linear(64, 4)

        def forward(self, x: Tensor) -> Tensor:
            y = self.stem(x).relu_()
            for layer in self.first:
                y = layer(y).relu_()
            y = self.joint(torch.cat((x, y), dim=-1)).relu_()
            for layer in self.second:
                y = layer(y).relu_()
            out: Tensor = self.head(y)
            return out

    return Field()


@graph_rule(category="normalisation", level="info", since="0.1", tips=("batch-norm",))
def check(graph: Graph) -> Iterator[Finding]:
    """Counts the layers on the longest path, if nothing keeps their scale."""
    if any(op in steadying or "." in op.name or rebuilds_weight(op) for op in graph.ops):
        return
    convolutions = trained_on_path(graph, convolution)
    found = convolutions if len(convolutions) >= 6 else trained_on_path(graph, layers)
    if len(found) < (6 if found is convolutions else 8) or steady_otherwise(graph, found):
        return
    what = "convolutions" if found is convolutions else "layers with weights"
    axes = len(next((op.hyper.kernel or () for op in found if op in convolution), ()))
    yield found[0].finding(
        f"{len(found)} {what} follow each other, and nothing normalises what they hand on; "
        f"put nn.BatchNorm{axes or 1}d between each and its activation",
        layers=len(found),
    )


def rebuilds_weight(op: Op) -> bool:
    """Whether a layer's weight is computed: by an op, a parametrisation, or a hook of the older kind."""
    hooked = {"weight_g", "weight_v", "weight_orig"}
    return bool(op.weights) or any(
        param.role in hooked or ".parametrizations." in f".{param.path}" for param in op.params
    )


def trained_on_path(graph: Graph, kind: Kind) -> list[Op]:
    """The layers of a kind that are trained, on the path that has most of the kind."""
    path = longest_path(graph, kind)
    return [op for op in path if op in kind and any(param.trainable for param in op.params)]


def steady_otherwise(graph: Graph, found: list[Op]) -> bool:
    """Whether learnt scalars scale what is added, the map grows, or layers without convolutions have a skip."""
    scaled = any(op.params or any(source.name == "parameter" for source in op.inputs) for op in graph.find(scaling))
    read = max((math.prod(op.shape[2:]) for op in graph.inputs), default=1)
    grows = read > 1 and any(math.prod(op.shape[2:]) > read for op in graph.output.inputs)
    skips = any(op in merging and len(set(op.inputs)) > 1 for op in graph.ops)
    return scaled or grows or (skips and not any(op in convolution for op in found))

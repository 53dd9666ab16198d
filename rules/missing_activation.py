"""Two weighted layers with no activation between them compute no more than one.

A linear map of a linear map is a linear map: the second layer adds parameters, time and memory, and nothing the network
could not do without it. Batch norm between them changes nothing, since at evaluation it is linear too.

The tip: every weighted layer but the last is followed by a non-linearity, normally ReLU.

What to do: put the network's activation after the first layer (after its norm, if it has one), or leave one of the two
layers out.

What it costs: an activation has no parameters and hardly any operations; in place it needs no memory either. Neither
change keeps the numbers of a trained network.

What is known today: two linear layers make sense where the first one is *narrow*: low-rank factors, the linear
bottleneck of MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381), the latent code of an autoencoder. Depthwise and
pointwise convolutions do without one between them (Chollet 2017, arXiv:1610.02357), and so do pairs of 1xN and Nx1.

Quiet when: anything non-linear lies between, max pooling included, and layer, group, instance and RMS norm, which
divide by a deviation of their own input; the value between has another reader, is added to another (residual branches)
or multiplied by it (gates, attention); one of the layers is grouped; the first is narrower than the input of the pair
and than its output, or ends a depthwise separable convolution; one is a projection of attention (query, key, value or
output), or a 1x1 convolution within a narrow code, as around an autoencoder's latent; one cuts the input into patches
(kernel = stride); one is a 1xN or Nx1; the axes are exchanged between them.

The fix is unsafe: it puts the network's own activation (or ReLU, if it has none) between the two, and the network has
to be trained again.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from nnlint.edits import insert_after
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import (
    Kind,
    activation,
    arithmetic,
    attention,
    average_pooling,
    batch_norm,
    convolution,
    dropout,
    identity,
    indexing,
    linear,
    matrix_product,
    rectifier,
    reshaping,
)
from nnlint.rule import bad, fix, good, graph_rule

layers = convolution | linear
exchanging = Kind.of("permute", "transpose", "movedim")
#: linear, or as good as: nothing that would make two layers more than one
no_activation = batch_norm | average_pooling | dropout | identity | (reshaping - exchanging)


@bad(input="3x32x32")
def norm_between() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU())


@bad(input="784")
def two_linear_layers() -> nn.Module:
    return nn.Sequential(nn.Linear(784, 256), nn.Dropout(0.2), nn.Linear(256, 10))


@bad(input="1x28x28")
def flattened_without_one() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(32 * 14 * 14, 10))


@good(input="3x32x32")
def activation_between() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 64, 3, padding=1),
    )


@good(input="16x32")
def layer_norm_between() -> nn.Module:
    return nn.Sequential(nn.Linear(32, 64), nn.LayerNorm(64), nn.Linear(64, 64), nn.ReLU(inplace=True))


@good(input="1x28x28")
def max_pooling_between() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 14 * 14, 10))


@good(input="16x8x8")
def residual_sum() -> nn.Module:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(16, 16, 3, padding=1)
            self.second = nn.Conv2d(16, 16, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.second(x + self.first(x))
            return out

    return Block()


@good(input="64")
def gate() -> nn.Module:
    class Gate(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.value, self.gate, self.out = nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 64)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.out(self.value(x) * self.gate(x).sigmoid())
            return out

    return Gate()


@good(input="16x64")
def attention_projections() -> nn.Module:
    return nn.TransformerEncoderLayer(64, 4, dim_feedforward=128, batch_first=True)


@good(input="16x64")
def output_projection_then_scores() -> nn.Module:
    class Scores(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv, self.out, self.score = nn.Linear(64, 192), nn.Linear(64, 64), nn.Linear(64, 100)

        def forward(self, x: Tensor) -> Tensor:
            query, key, value = self.qkv(x).chunk(3, dim=-1)
            scores: Tensor = self.score(self.out((query @ key.transpose(1, 2)).softmax(dim=-1) @ value))
            return scores

    return Scores()


@good(input="512x8x8")
def mixing_within_a_latent_code() -> nn.Module:
    return nn.Sequential(nn.Conv2d(512, 8, 3, padding=1), nn.Conv2d(8, 8, 1))


@good(input="32x16x16")
def depthwise_and_pointwise() -> nn.Module:
    return nn.Sequential(nn.Conv2d(32, 32, 3, padding=1, groups=32), nn.Conv2d(32, 64, 1), nn.ReLU(inplace=True))


@good(input="512")
def low_rank() -> nn.Module:
    return nn.Sequential(nn.Linear(512, 16, bias=False), nn.Linear(16, 512))


@good(input="16x14x14")
def inverted_residual_without_a_narrow_part() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.Conv2d(16, 16, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.Conv2d(16, 72, 1, bias=False),
        nn.BatchNorm2d(72),
        nn.ReLU(inplace=True),
    )


@good(input="96x14x14")
def linear_bottleneck() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(96, 24, 1, bias=False),
        nn.BatchNorm2d(24),
        nn.Conv2d(24, 144, 1, bias=False),
        nn.BatchNorm2d(144),
        nn.ReLU6(),
    )


@good(input="3x32x32")
def patches() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 64, 4, stride=4), nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(inplace=True))


@good(input="32x28x28")
def rows_then_columns() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(32, 32, (1, 7), padding=(0, 3)), nn.Conv2d(32, 32, (7, 1), padding=(3, 0)), nn.ReLU(inplace=True)
    )


@good(input="64x64")
def different_axes() -> nn.Module:
    class Mix(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features, self.tokens = nn.Linear(64, 64), nn.Linear(64, 64)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.tokens(self.features(x).transpose(1, 2))
            return out

    return Mix()


@good(input="long:16")
def embedding() -> nn.Module:
    return nn.Sequential(nn.Embedding(100, 32), nn.Linear(32, 64), nn.ReLU(inplace=True), nn.Linear(64, 10))


@graph_rule(category="activation", level="warning", since="0.1", tips=("non-linearity-after-weights",))
def check(graph: Graph) -> Iterator[Finding]:
    """Follows every weighted layer along its only reader to the next one."""
    for first in graph.find(layers):
        last, second = next_layer(first)
        if second is not None and not is_deliberate(first, second):
            yield first.finding(
                f"no activation between {first} and {second}: the two compute no more than one layer; "
                f"put one after {last}",
                second,
            )


def next_layer(first: Op) -> tuple[Op, Op | None]:
    """The weighted layer at the end of a straight line of linear ops, if there is one, and the op before it."""
    op = first
    while len(op.users) == 1 and op.users[0].inputs == (op,):
        reader = op.users[0]
        if reader in layers:
            return op, reader
        if reader not in no_activation:
            break
        op = reader
    return op, None


def is_deliberate(first: Op, second: Op) -> bool:
    """Whether the pair is one of the known forms that are more than one layer, or cheaper."""
    a, b = first.hyper, second.hyper
    if not (first.params and second.params) or None in (a.in_channels, a.out_channels, b.out_channels):
        return True  # the weight is data, or not known
    narrow = (a.out_channels or 0) < min(a.in_channels or 0, b.out_channels or 0)
    partial = is_partial(first) or is_partial(second) or ends_separable(first)
    mixing = mixes_narrow_code(first, b.out_channels or 0) or mixes_narrow_code(second, a.in_channels or 0)
    return narrow or partial or mixing or is_projection(first, second) or on_different_axes(first, second)


def is_partial(layer: Op) -> bool:
    """Whether a layer joins only some inputs: grouped, along one axis of a map, or patch by patch."""
    kernel = layer.hyper.kernel or (1,)
    along_one_axis = 1 in kernel and max(kernel) > 1
    patches = max(kernel) > 1 and kernel == layer.hyper.stride
    return (layer.hyper.groups or 1) > 1 or along_one_axis or patches


def ends_separable(layer: Op) -> bool:
    """Whether it is the pointwise end of a depthwise separable convolution, which is linear by design."""
    before = layer.back(past=no_activation | activation | arithmetic)
    return max(layer.hyper.kernel or (1,)) == 1 and any(
        (op.hyper.groups or 1) > 1 for op in before if op in convolution
    )


def mixes_narrow_code(layer: Op, width: int) -> bool:
    """Whether it is a 1x1 convolution within a code narrower than the layer on its other side."""
    kernel, channels = layer.hyper.kernel, layer.hyper.out_channels or 0
    return kernel is not None and max(kernel) == 1 and layer.hyper.in_channels == channels and width >= 2 * channels


def is_projection(first: Op, second: Op) -> bool:
    """Whether the pair starts with the output projection of attention, or ends with a query, key or value."""
    past = reshaping | indexing | identity | dropout
    products = attention | matrix_product
    return any(op in products for op in (*first.back(past=past), *second.ahead(past=past)))


def on_different_axes(first: Op, second: Op) -> bool:
    """A linear layer works on the last axis, a convolution on the second: they meet where there are only two."""
    if (first in linear) == (second in linear):
        return False
    return len(second.in_shape if second in linear else first.shape) != 2


@fix(safe=False)
def mend(finding: Finding) -> tuple[Edit, ...] | None:
    """The network's own activation after the first layer, or after the norm or pooling that follows it."""
    first = finding.subjects[0]
    last, _ = next_layer(first)
    return insert_after(last, own_activation(first))


def own_activation(layer: Op) -> Op | None:
    """The rectifier of the network that is nearest after the layer, or before it."""
    plain = rectifier - Kind.of("prelu")  # its parameters are not to be shared, nor its width repeated
    after = (op for op in layer.ahead(past=~plain) if op in plain)
    before = (op for op in layer.back(past=~plain) if op in plain)
    return next(after, None) or next(before, None)

"""Batch norm subtracts the bias that the layer before it has just added.

The norm takes the mean of every channel away, and with it any constant that was added to the channel. The bias of the
layer before has no effect on the result, its gradient is zero but for rounding, and what a bias is good for is done by
the norm's own shift. The parameters are stored, moved and decayed for nothing. The same holds for instance norm, and
for group norm with one channel a group.

What to do: `bias=False` in the layer before the norm.

What it costs: one parameter a channel, with its gradient and the optimiser's state, and one pass over the map where
the bias is not fused into the convolution; the finding gives the number. The results are the same either way.

What is known today: Ioffe and Szegedy 2015 (arXiv:1502.03167, section 3.2) leave the bias out for this reason, and so
do the ResNets, DenseNets and EfficientNets of torchvision and timm.

Quiet when: the batch norm is frozen (its mean is a constant then, and the bias does count); the norm is a layer norm,
or a group norm with several channels a group; zeros are padded between the two; something else reads the layer's
output, or the layer is used at another place without a norm; the norm works on another axis than the bias.

The fix is unsafe: a stored state_dict has the bias, and no longer fits.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from nnlint.edits import set_argument
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import convolution, group_norm, identity, instance_norm, linear, max_pooling
from nnlint.rule import bad, fix, good, graph_rule
from nnlint.structure import batch_norms_in_training, layer_before

#: a constant added before is the same constant added after
passes_constants = identity | max_pooling
#: where the constructors of torch's layers take the bias
POSITIONS: dict[type[nn.Module], int] = {nn.Linear: 2}
POSITIONS |= dict.fromkeys((nn.Conv1d, nn.Conv2d, nn.Conv3d), 7)
POSITIONS |= dict.fromkeys((nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), 7)


@bad(input="3x32x32")
def convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


@bad(input="16")
def in_forward() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = nn.Linear(16, 64)
            self.norm = nn.BatchNorm1d(64)
            self.head = nn.Linear(64, 2)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.head(self.norm(self.hidden(x)).relu_())
            return out

    return Net()


@bad(input="3x32x32")
def max_pooling_between() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=True), nn.MaxPool2d(2), nn.BatchNorm2d(32), nn.ReLU(inplace=True)
    )


@bad(input="3x32x32")
def instance_norm_after_it() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.InstanceNorm2d(32), nn.ReLU(inplace=True))


@good(input="3x32x32", loss="cross_entropy")
def without_bias() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


@good(input="3x32x32")
def frozen() -> nn.Module:
    net = nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(inplace=True))
    net[1].eval()
    return net


@good(input="8x64")
def layer_norm() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 64), nn.LayerNorm(64), nn.ReLU(inplace=True), nn.Linear(64, 64))


@good(input="3x32x32")
def several_channels_a_group() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.GroupNorm(8, 32), nn.ReLU(inplace=True))


@good(input="3x32x32")
def zeros_between() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 1), nn.ZeroPad2d(1), nn.BatchNorm2d(32), nn.ReLU(inplace=True), nn.Conv2d(32, 32, 3)
    )


@good(input="3x32x32")
def read_by_another_layer() -> nn.Module:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 32, 3, padding=1)
            self.norm = nn.BatchNorm2d(32)
            self.conv = nn.Conv2d(32, 32, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            out: Tensor = x + self.conv(self.norm(x).relu_())
            return out

    return Block()


@good(input="3x32x32")
def used_again_without_a_norm() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)
            self.norm = nn.BatchNorm2d(3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.norm(self.conv(x)).relu_()
            out: Tensor = self.conv(x)
            return out

    return Net()


@good(input="8x64")
def another_axis() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(8), nn.ReLU(inplace=True), nn.Linear(64, 64))


@graph_rule(category="normalisation", level="info", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    """Pairs every norm that subtracts channel means with the biased layer before it."""
    pairs = [(layer, norm) for norm in subtracting_norms(graph) if (layer := biased_layer(norm))]
    paired = {layer.index for layer, _ in pairs}
    alone = {bias_of(op) for op in graph.find(convolution | linear) if op.index not in paired}
    for layer, norm in pairs:
        if bias_of(layer) not in alone:
            count = layer.hyper.out_channels
            number = "1 parameter" if count == 1 else f"{count} parameters"
            yield layer.finding(
                f"{layer} adds a bias that {norm} subtracts again: {number} for nothing; use bias=False",
                norm,
                parameters=count,
            )


def subtracting_norms(graph: Graph) -> Iterator[Op]:
    """The norms that take the mean of every single channel away, whatever it is."""
    yield from batch_norms_in_training(graph)
    for norm in graph.find(instance_norm | group_norm):
        one_each = norm in instance_norm or norm.hyper.groups == norm.hyper.in_channels
        fixed = norm in instance_norm and norm.hyper.track_running_stats
        if norm.module is not None and one_each and not fixed:
            yield norm


def biased_layer(norm: Op) -> Op | None:
    """The layer before a norm that adds a bias along the norm's channels."""
    layer = layer_before(norm, past=passes_constants)
    if layer is None or bias_of(layer) is None or layer.module is None:
        return None
    axes = len(layer.shape) - 2
    same_axis = axes == 0 if layer in linear else axes == len(layer.hyper.kernel or ())
    return layer if same_axis and layer.hyper.out_channels == norm.hyper.in_channels else None


def bias_of(layer: Op) -> int | None:
    """What identifies the bias a layer adds, if it adds one that is trained."""
    return next((param.key for param in layer.params if param.role == "bias" and param.trainable), None)


@fix(safe=False)
def leave_out(finding: Finding) -> Edit | None:
    """``bias=False`` in the constructor, where it is one of torch's own."""
    layer = finding.subjects[0]
    position = POSITIONS.get(type(layer.module))  # type: ignore[arg-type]
    return set_argument(layer, "bias", "False", position=position) if position is not None else None

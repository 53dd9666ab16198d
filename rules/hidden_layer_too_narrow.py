"""A hidden layer has one unit, so that everything after it depends on a single number.

Whatever the layers before have found out about a sample has to pass through one value, and through the activation
behind it: with a rectifier, samples for which it is negative all look alike, and when it is negative for every sample
no gradient reaches what stands before. The width is almost always a slip: a binary output unit that was kept when more
layers were added, or two arguments in the wrong order.

What to do: give the hidden layer the width of its neighbours; one unit belongs at the output.

What it costs: the accuracy of the whole network: what is behind the unit is a function of one variable.

What is known today: that layers narrower than the input cannot represent every function, however deep the network is,
is proven for rectifiers (Hanin and Sellke, Approximating Continuous Functions by ReLU Nets of Minimal Width,
arXiv:1710.11278).

Quiet when: a branch goes around the unit (squeeze and excitation, a residual connection); when it is a gate or a score
(its output is multiplied, or goes through a softmax); when it is the output; when no activation follows it (a rank-one
product: `missing-activation` says so); when the layer reads one feature itself; when its unit is a map (a convolution
to one channel) that later layers read as a whole.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from nnlint.algorithms import bottlenecks
from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import activation, convolution, dropout, identity, linear, normalisation, reshaping
from nnlint.rule import bad, good, graph_rule

_LAYER = linear | convolution
_BETWEEN = activation | normalisation | dropout | identity | reshaping


@graph_rule(category="network", level="warning", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    for op in graph.find(_LAYER):
        reader = _next_layer(op) if op.hyper.out_channels == 1 and (op.hyper.in_channels or 0) > 1 else None
        if reader is not None and op in bottlenecks(graph):
            message = (
                f"{op} turns {op.hyper.in_channels} features into one, and {reader} makes "
                f"{reader.hyper.out_channels} of it again: all that follows depends on a single number a sample; "
                "give the hidden layer more units"
            )
            yield op.finding(message, reader, inputs=op.hyper.in_channels, outputs=reader.hyper.out_channels)


def _next_layer(op: Op) -> Op | None:
    """The layer that reads nothing but the one unit, past an activation."""
    active = False
    reader = op
    while len(reader.users) == 1:
        reader = reader.users[0]
        if reader in _LAYER:
            alone = reader.hyper.in_channels == 1 and (reader.hyper.out_channels or 0) > 1
            return reader if active and alone and all(size == 1 for size in reader.in_shape[1:]) else None
        if reader not in _BETWEEN or len(reader.inputs) != 1:
            return None
        active = active or reader in activation
    return None


@bad(input="16")
def a_layer_of_one_unit() -> nn.Module:
    return nn.Sequential(
        nn.Linear(16, 1),
        nn.ReLU(inplace=True),
        nn.Linear(1, 32),
        nn.ReLU(inplace=True),
        nn.Linear(32, 2),
    )


@bad(input="16")
def an_output_unit_with_layers_after_it() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(16, 32)
            self.score = nn.Linear(32, 1)
            self.extra = nn.Linear(1, 8)
            self.head = nn.Linear(8, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.score(self.body(x).relu()).relu()
            out: Tensor = self.head(self.extra(x).relu())
            return out

    return Net()


@bad(input="3x16x16")
def one_channel_of_one_pixel() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Conv2d(16, 1, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(1, 10, 1),
        nn.Flatten(),
    )


@good(input="16")
def a_layer_as_wide_as_its_neighbours() -> nn.Module:
    return nn.Sequential(
        nn.Linear(16, 32),
        nn.ReLU(inplace=True),
        nn.Linear(32, 32),
        nn.ReLU(inplace=True),
        nn.Linear(32, 2),
    )


@good(input="16")
def one_unit_at_the_output() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 1))


@good(input="12x16")
def a_score_for_every_position() -> nn.Module:
    class Pool(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.score = nn.Linear(16, 1)
            self.head = nn.Linear(16, 3)

        def forward(self, x: Tensor) -> Tensor:
            weights = self.score(x).softmax(1)
            out: Tensor = self.head((weights * x).sum(1))
            return out

    return Pool()


@good(input="16")
def a_gate() -> nn.Module:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate = nn.Linear(16, 1)
            self.head = nn.Linear(16, 3)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.head(x * self.gate(x).sigmoid())
            return out

    return Gated()


@good(input="16x16x16")
def squeezed_to_one_number_for_the_gates_alone() -> nn.Module:
    class SqueezeAndExcitation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(inplace=True))
            self.gate = nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Conv2d(16, 1, 1), nn.ReLU(inplace=True), nn.Conv2d(1, 16, 1), nn.Sigmoid()
            )

        def forward(self, x: Tensor) -> Tensor:
            x = self.body(x)
            out: Tensor = x * self.gate(x)
            return out

    return SqueezeAndExcitation()


@good(input="1")
def a_function_of_one_variable() -> nn.Module:
    return nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))


@good(input="16x8x8")
def a_map_of_one_channel_read_as_a_whole() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(16, 1, 1),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(64, 32),
        nn.ReLU(inplace=True),
        nn.Linear(32, 1),
    )


@good(input="1x28x28")
def one_channel_maps() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(16, 1, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(1, 16, 3, padding=1),
    )


@good(input="long:6")
def numbers_that_enter_one_by_one() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Linear(1, 32)
            self.head = nn.Linear(32, 4)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.head(self.embed(x.float().mean(1, keepdim=True)).relu_())
            return out

    return Net()

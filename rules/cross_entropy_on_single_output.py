"""Cross-entropy judges a single unit, and is 0 whatever that unit says.

Cross-entropy compares the classes with each other. With one class there is nothing to compare: its probability is 1,
the loss is exactly 0 (or the labels do not fit and torch raises), the gradient is zero, and the network stays as it was
initialised. This is what becomes of a yes-or-no question that was given one output and the loss for several.

The tip: cross-entropy for classes, binary cross-entropy for yes or no.

What to do: for one unit use `BCEWithLogitsLoss` with float targets of the output's shape; for cross-entropy make it two
units. A softmax or a log-softmax in between goes.

What it costs: the whole training.

What is known today: torch's documentation of `CrossEntropyLoss` asks for one score per class.

Quiet when: the class axis has one entry because the example input is that small or was reshaped so (one choice of a
multiple-choice question), and not because a layer has one unit; the loss cannot be followed to a network.
"""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, activation, convolution, dropout, identity, linear, softmax
from nnlint.rule import bad, good, graph_rule
from nnlint.structure import class_axis

#: keeps the unit on its axis
past = identity | dropout | activation | softmax | Kind.of("log_softmax", "flatten")


@bad(input="20", loss="cross_entropy")
def one_unit() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 1))


@bad(input="20", loss="cross_entropy")
def one_unit_and_a_softmax() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.score = nn.Linear(20, 16), nn.Linear(16, 1)

        def forward(self, x: Tensor) -> Tensor:
            return F.softmax(self.score(F.relu(self.hidden(x))), dim=1)

    return Net()


@bad(input="3x32x32", loss="cross_entropy")
def one_map() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(16, 1, 1))


@good(input="20", loss="cross_entropy")
def two_units() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 2))


@good(input="20", loss="binary_cross_entropy_with_logits")
def loss_for_one_unit() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 1))


@good(input="1x20", loss="cross_entropy")
def one_choice() -> nn.Module:
    class Choices(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.score = nn.Linear(20, 1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.score(x.flatten(0, 1)).view(-1, x.shape[1])
            return out

    return Choices()


@graph_rule(category="loss", level="error", since="0.1", tips=("loss-fits-task",))
def check(graph: Graph) -> Iterator[Finding]:
    """Looks for cross-entropies whose class axis is the one unit of a layer."""
    for loss in graph.find("cross_entropy"):
        layer = single_unit(loss)
        if layer is not None:
            yield loss.finding(
                f"{loss} compares classes, and {layer} has one unit: the loss is always 0; use BCEWithLogitsLoss, or "
                f"two units",
                layer,
            )


def single_unit(loss: Op) -> Op | None:
    """The layer whose only unit is the only class, if that is so."""
    if len(loss.in_shape) < 2 or loss.in_shape[class_axis(loss.in_shape)] != 1:
        return None
    layer = loss.inputs[0]
    while layer in past and layer.inputs and layer.shape[1:2] == (1,):
        layer = layer.inputs[0]
    units = layer.shape[-1:] if layer in linear else layer.shape[1:2] if layer in convolution else ()
    plain = len(layer.shape) == 2 or layer in convolution
    return layer if plain and units == (1,) and layer.hyper.out_channels == 1 else None

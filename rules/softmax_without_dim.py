"""A softmax does not say over which axis it runs, and torch picks one by their number.

Without `dim`, torch takes axis 0 for inputs with one or three axes and axis 1 for all others. The network works on
pictures and is wrong on sequences: with three axes the first is normally the batch (or time), and each sample's answer
then depends on the others.

What to do: state the axis of the classes: `dim=1`, or `dim=-1` where they are the last.

What it costs: nothing.

What is known today: torch warns that the implicit choice of the axis has been deprecated.

Quiet when: the axis is stated; the softmax is one of the training loop whose arguments cannot be read.

The fix is safe: it states the axis that torch picks today. Where that is the first of three it is most likely the fault
itself, and nnlint leaves the choice to you.
"""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from nnlint.edits import set_argument
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph
from nnlint.kinds import Kind
from nnlint.rule import bad, fix, good, graph_rule
from nnlint.structure import picked_axis

log_or_not = Kind.of("softmax", "softmin", "log_softmax")
#: with so many axes torch picks the first of them
FIRST_OF = 3


@bad(input="20")
def softmax_layer() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 10), nn.Softmax())


@bad(input="1x28x28", loss="nll_loss")
def functional_log_softmax() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.scores = nn.Linear(784, 64), nn.Linear(64, 10)

        def forward(self, x: Tensor) -> Tensor:
            return F.log_softmax(self.scores(F.relu(self.hidden(x.flatten(1)))))

    return Net()


@bad(input="16x32")
def first_of_three_axes() -> nn.Module:
    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scores = nn.Linear(32, 10)

        def forward(self, x: Tensor) -> Tensor:
            return F.softmax(self.scores(x))

    return Tagger()


@good(input="20")
def stated() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 10), nn.Softmax(dim=1))


@good(input="3x32x32")
def over_channels_by_name() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(16, 5, 1), nn.Softmax2d())


@graph_rule(category="loss", level="warning", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    """Looks for softmaxes that leave the axis to torch."""
    for op in graph.find(log_or_not):
        axis = picked_axis(op)
        if axis is None:
            continue
        rank = len(op.in_shape)
        wrong = ", normally that of the batch" if rank == FIRST_OF else ""
        yield op.finding(
            f"{op} states no axis: torch picks axis {axis} of the {rank} here{wrong}; state it (dim=1, or dim=-1)",
            axis=axis,
            axes=rank,
        )


@fix(safe=True)
def state_it(finding: Finding) -> Edit | None:
    """States the axis that torch picks."""
    op = finding.subjects[0]
    if len(op.in_shape) == FIRST_OF:
        return None
    picked = "-1" if len(op.in_shape) == 1 else "1"
    return set_argument(op, "dim", picked, position=1 if op.spelling.startswith("F.") else 0)

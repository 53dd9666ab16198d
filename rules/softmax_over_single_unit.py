"""A softmax over a single unit is always 1, whatever the network computes.

Softmax divides by the sum over its axis. Where the axis has one entry it divides that by itself: the output is the
constant 1 (a log-softmax: 0), its gradient is zero, and nothing before it can learn.

What to do: for a yes-or-no answer from one unit use a sigmoid, or no activation and `BCEWithLogitsLoss`; or make it two
units. Where the softmax was meant to run over something else (the positions of a sequence, in attention that scores
each of them with one unit) name that axis.

What it costs: everything the network was to learn through this output.

What is known today: the probability that a softmax over two units gives is the sigmoid of their difference: one unit
and a sigmoid do the same with half the weights.

Quiet when: the axis has one entry only because the example input is that small, and not because one unit was asked for;
cross-entropy or a loss with logits judges the result, of which their own rules speak.

The fix is unsafe: it puts a sigmoid in the place of the softmax at the network's output.
"""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from nnlint.edits import argument, in_scope, replace, text_of
from nnlint.edits.source import source_of
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, activation, convolution, dropout, identity, linear, logits_loss, normalisation, softmax
from nnlint.rule import bad, fix, good, graph_rule
from nnlint.structure import is_read_only_by, judges, softmax_axis

log_or_not = softmax | Kind.of("log_softmax")
#: keeps the unit where it is
past = identity | dropout | activation | normalisation


@bad(input="20")
def one_unit_at_the_end() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 1), nn.Softmax(dim=1))


@bad(input="16x32")
def attention_over_the_wrong_axis() -> nn.Module:
    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.scores = nn.Linear(32, 1), nn.Linear(32, 10)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.scores((F.softmax(self.weight(x), dim=-1) * x).sum(dim=1))
            return out

    return Pooled()


@bad(input="3x32x32")
def one_map() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(16, 1, 1), nn.Softmax(dim=1))


@good(input="20")
def sigmoid() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 1), nn.Sigmoid())


@good(input="20")
def two_units() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 2), nn.Softmax(dim=1))


@good(input="16x32")
def attention_over_positions() -> nn.Module:
    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.scores = nn.Linear(32, 1), nn.Linear(32, 10)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.scores((F.softmax(self.weight(x), dim=1) * x).sum(dim=1))
            return out

    return Pooled()


@good(input="1x32")
def a_sequence_of_one() -> nn.Module:
    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.scores = nn.Linear(32, 1), nn.Linear(32, 10)

        def forward(self, x: Tensor) -> Tensor:
            weights = F.softmax(self.weight(x).squeeze(-1), dim=1)
            out: Tensor = self.scores((weights.unsqueeze(-1) * x).sum(dim=1))
            return out

    return Pooled()


@graph_rule(category="loss", level="error", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    """Compares the axis of every softmax with the layer that makes its scores."""
    for op in graph.find(log_or_not):
        layer = single_unit(op)
        if layer is None or any(reader in logits_loss for reader in judges(op)):
            continue
        constant = "0" if op.name == "log_softmax" else "1"
        yield op.finding(
            f"{op} runs over the one unit of {layer} and always gives {constant}; use a sigmoid, or name the axis that "
            f"was meant",
            layer,
        )


def single_unit(op: Op) -> Op | None:
    """The layer whose only unit a softmax runs over, if it does."""
    axis = softmax_axis(op)
    if axis is None or op.in_shape[axis] != 1 or not op.inputs:
        return None
    layer = op.inputs[0]
    while layer in past and layer.inputs and layer.shape == op.in_shape:
        layer = layer.inputs[0]
    if layer.hyper.out_channels != 1 or layer.shape != op.in_shape:
        return None
    units = len(layer.shape) - 1 if layer in linear else 1 if layer in convolution else None
    return layer if axis == units else None


@fix(safe=False)
def use_a_sigmoid(finding: Finding) -> Edit | None:
    """Puts a sigmoid in the place of a softmax at the output."""
    op = finding.subjects[0]
    text = text_of(op.site) if op.site is not None else None
    callee, opening, _ = (text or "").partition("(")
    if op.site is None or op.name != "softmax" or not opening or not is_read_only_by(op, judges(op)):
        return None
    if op.module is not None:
        return replace(op.site, callee.removesuffix("Softmax") + "Sigmoid()") if callee.endswith("nn.Softmax") else None
    scores = argument(op, "input", position=0)
    if scores is None or not op.spelling.startswith(("F.", "torch.")):
        return None
    source = source_of(op.site)
    function = in_scope(source, "torch.sigmoid") if source is not None else None
    return replace(op.site, f"{function}({scores})") if function is not None else None

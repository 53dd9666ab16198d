"""A softmax at the output runs over the batch, so that each sample's answer depends on the others.

Axis 0 is the batch. A softmax over it gives numbers that sum to one over the *samples* for each class: the answer for a
picture changes with what happens to lie beside it, and a batch of one always gets the answer 1 for every class. The
loss falls all the same, so that the fault shows at prediction only.

What to do: run it over the classes: `dim=1`, or `dim=-1` where the classes are the last axis.

What it costs: nothing.

What is known today: what torch picks where no axis is given depends on the number of axes and is deprecated (see
`softmax-without-dim`).

Quiet when: axis 0 may be something else: the input has one axis, or inputs disagree about the first; the result is used
inside the network (attention over a bag of instances, mixtures of experts, Sinkhorn iterations); what it runs over is a
matrix of similarities, as in contrastive losses; the loss brings its own softmax or sigmoid, or wants a logarithm
(other rules speak of that).

The fix is unsafe: it changes what the network computes, which is the point.
"""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from nnlint.edits import set_argument
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, activation, convolution, dropout, identity, linear, logits_loss, normalisation
from nnlint.rule import bad, fix, good, graph_rule
from nnlint.structure import is_read_only_by, judges, normal_axis

log_or_not = Kind.of("softmax", "log_softmax", "softmin")
past = identity | dropout | activation | normalisation


@bad(input="20")
def softmax_layer() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 10), nn.Softmax(dim=0))


@bad(input="1x28x28", loss="nll_loss")
def functional_log_softmax() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.scores = nn.Linear(784, 64), nn.Linear(64, 10)

        def forward(self, x: Tensor) -> Tensor:
            return F.log_softmax(self.scores(F.relu(self.hidden(x.flatten(1)))), dim=0)

    return Net()


@bad(input="3x32x32")
def over_the_batch_of_maps() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 5, 1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.head(self.body(x).relu_()).softmax(0)
            return out

    return Net()


@good(input="20")
def over_the_classes() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 10), nn.Softmax(dim=1))


@good(input="64")
def attention_over_a_bag_of_instances() -> nn.Module:
    class Bag(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.scores = nn.Linear(64, 2), nn.Linear(64, 10)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            weights = F.softmax(self.weight(x), dim=0)
            return self.scores(weights.t() @ x), weights

    return Bag()


@good(input="64")
def similarities_of_a_batch() -> nn.Module:
    class Contrast(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.other = nn.Linear(64, 32), nn.Linear(64, 32)

        def forward(self, x: Tensor) -> Tensor:
            return F.log_softmax(F.normalize(self.one(x), dim=1) @ F.normalize(self.other(x), dim=1).t(), dim=0)

    return Contrast()


@good(input="4")
def one_state_without_a_batch() -> nn.Module:
    class Policy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scores = nn.Linear(4, 2)

        def forward(self, states: Tensor) -> Tensor:
            return F.softmax(self.scores(states.sum(dim=0)), dim=0)

    return Policy()


@graph_rule(category="loss", level="error", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    """Looks for softmaxes over axis 0 of what a last layer makes for a batch."""
    for op in graph.find(log_or_not):
        layer = last_layer(op) if normal_axis(op.hyper.dim, len(op.in_shape)) == 0 else None
        if layer is None or not is_batched(graph, layer) or is_left_to_another_rule(op):
            continue
        if is_read_only_by(op, judges(op)):
            yield op.finding(
                f"{op} runs over the batch: the answer for a sample depends on the others; run it over the "
                f"{layer.hyper.out_channels} classes, dim=1",
                layer,
            )


def last_layer(op: Op) -> Op | None:
    """The layer of more than one unit whose scores a softmax reads as they are."""
    source = op.inputs[0] if op.inputs else None
    while source is not None and source in past and source.inputs and source.shape == op.in_shape:
        source = source.inputs[0]
    if source is None or source.shape != op.in_shape or source not in linear | convolution:
        return None
    return source if (source.hyper.out_channels or 0) > 1 else None


def is_batched(graph: Graph, layer: Op) -> bool:
    """Whether axis 0 is surely the batch: of maps, or of vectors where all inputs have that axis."""
    if layer in convolution:
        return len(layer.shape) == 2 + len(layer.hyper.kernel or ())
    return len(layer.shape) == 2 and all(len(op.shape) > 1 and op.shape[0] == layer.shape[0] for op in graph.inputs)


def is_left_to_another_rule(op: Op) -> bool:
    """Whether the loss that judges it wants something else than these numbers anyway."""
    wrong = logits_loss if op.name == "log_softmax" else logits_loss | Kind.of("nll_loss")
    return any(loss in wrong for loss in judges(op))


@fix(safe=False)
def over_classes(finding: Finding) -> Edit | None:
    """States the axis of the classes."""
    op = finding.subjects[0]
    return set_argument(op, "dim", "1", position=1 if op.spelling.startswith(("F.", "torch.")) else 0)

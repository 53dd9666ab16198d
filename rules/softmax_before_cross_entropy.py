"""Probabilities are handed to cross-entropy, which takes the softmax of its input itself.

`CrossEntropyLoss` is a log-softmax and the negative log-likelihood in one. Given probabilities it takes the softmax of
numbers in [0, 1]: the best class of ten gets at most 0.23, the loss of a perfect answer stays at 1.46 and cannot fall,
and the gradient shrinks as the network gets certain. Such a network often learns nevertheless, slowly, which hides the
fault. A sigmoid there does the same. A log-softmax is harmless, since the softmax of log-probabilities gives the
probabilities again, but it is computed twice (a warning, unless it runs over another axis than that of the classes).

The tip: cross-entropy contains the log-softmax; give it the raw scores.

What to do: end the network with its last linear layer or convolution, and take the softmax only where probabilities are
wanted, at prediction. `argmax` needs none.

What it costs: nothing; one pass over the scores is saved.

What is known today: torch's documentation of `CrossEntropyLoss` says that its input is expected to contain unnormalised
logits.

Quiet when: the softmax serves predictions or metrics, or is attention inside the network; the targets, not the output,
are made by a softmax (distillation); the network takes another way in training than in evaluation (`if self.training`);
there is a single class only, of which `cross-entropy-on-single-output` speaks.

The fix is unsafe: it takes the softmax out, and what reads the output as probabilities has to apply it from then on.
"""

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from nnlint.edits import remove_op
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, dropout, value_preserving
from nnlint.rule import bad, fix, good, graph_rule
from nnlint.structure import class_axis, is_made_by_mode, is_read_only_by, judged, judges, normal_axis

probabilities = Kind.of("softmax", "sigmoid", "hardsigmoid")
past = value_preserving | dropout


@bad(input="20", loss="cross_entropy")
def softmax_at_the_end() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 10), nn.Softmax(dim=1))


@bad(input="1x28x28", loss="cross_entropy")
def functional_softmax() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.scores = nn.Linear(784, 64), nn.Linear(64, 10)

        def forward(self, x: Tensor) -> Tensor:
            return F.softmax(self.scores(F.relu(self.hidden(x.flatten(1)))), dim=-1)

    return Net()


@bad(input="3x32x32", loss="cross_entropy")
def softmax_over_the_classes_of_each_pixel() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(16, 5, 1), nn.Softmax2d())


@bad(input="20", loss="cross_entropy")
def sigmoid_at_the_end() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 10), nn.Sigmoid())


@bad(input="20", loss="cross_entropy")
def log_softmax_is_wasted() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 10), nn.LogSoftmax(dim=1))


@good(input="20", loss="cross_entropy")
def raw_scores() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 10))


@good(input="20", loss="cross_entropy")
def softmax_in_predict() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.scores = nn.Linear(20, 16), nn.Linear(16, 10)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.scores(F.relu(self.hidden(x), inplace=True))
            return out

        def predict(self, x: Tensor) -> Tensor:
            return self.forward(x).softmax(dim=1)

    return Net()


@good(input="16x32", loss="cross_entropy")
def softmax_of_attention() -> nn.Module:
    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.scores = nn.Linear(32, 1), nn.Linear(32, 10)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.scores((self.weight(x).softmax(dim=1) * x).sum(dim=1))
            return out

    return Pooled()


@good(input="20", loss="cross_entropy")
def probabilities_in_evaluation_only() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scores = nn.Linear(20, 10)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.scores(x)
            return out if self.training else out.softmax(dim=1)

    return Net()


@good(input="20")
def loss_inside_with_softened_targets() -> nn.Module:
    class Student(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.teacher, self.student = nn.Linear(20, 10), nn.Linear(20, 10)

        def forward(self, x: Tensor) -> Tensor:
            return F.cross_entropy(self.student(x), self.teacher(x).softmax(dim=1))

    return Student()


@graph_rule(category="loss", level="error", since="0.1", tips=("no-log-softmax-with-cross-entropy",))
def check(graph: Graph) -> Iterator[Finding]:
    """Walks back from each cross-entropy to the op that makes its scores."""
    for loss in graph.find("cross_entropy"):
        if loss.in_shape and loss.in_shape[class_axis(loss.in_shape)] == 1:
            continue  # the loss is always 0: another rule's
        for source in judged(loss, past=past):
            if is_made_by_mode(graph, source):
                continue
            if source in probabilities:
                yield source.finding(
                    f"{source} makes probabilities, of which {loss} takes the softmax once more: it can never come "
                    f"near 0; give it the raw scores",
                    loss,
                )
            elif source.name == "log_softmax":
                yield wasted(source, loss)


def wasted(source: Op, loss: Op) -> Finding:
    """The finding about a log-softmax: harmless over the classes, wrong over any other axis."""
    axis = normal_axis(source.hyper.dim, len(source.shape))
    if axis is not None and loss.in_shape == source.shape and axis != class_axis(source.shape):
        return source.finding(
            f"{source} runs over axis {axis}, {loss} over the classes in axis {class_axis(source.shape)}; give it the "
            f"raw scores",
            loss,
        )
    found = source.finding(f"{loss} contains the log-softmax: {source} before it does nothing but cost time", loss)
    return replace(found, level="warning")


@fix(safe=False)
def hand_on_the_scores(finding: Finding) -> tuple[Edit, ...] | None:
    """Takes the softmax out, unless something else reads it."""
    source = finding.subjects[0]
    return remove_op(source) if is_read_only_by(source, judges(source, past=past), past=past) else None

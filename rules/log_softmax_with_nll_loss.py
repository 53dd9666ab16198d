"""A log-softmax followed by the negative log-likelihood is cross-entropy in two pieces.

Nothing is wrong with the numbers. But the two have to be kept together by hand: a network that ends with
log-probabilities takes the log-softmax twice if `CrossEntropyLoss` judges it, and `NLLLoss` on one that ends with
scores trains it wrongly and silently.

The tip: cross-entropy for classes; it contains the log-softmax and wants the raw scores.

What to do: end the network with its last linear layer or convolution and use `CrossEntropyLoss`. `argmax` is the same
on scores; for probabilities take the softmax at prediction.

What it costs: the same arithmetic either way; what is saved is one layer that the network carries in deployment too.

What is known today: torch's documentation of `CrossEntropyLoss` says that it is equivalent to applying `LogSoftmax`
followed by `NLLLoss`.

Quiet when: the log-probabilities are read by anything else, in the network or by another loss (a divergence, a sampled
sequence, a beam search inside the network); the loss is not over the axis that the log-softmax runs over; the network
takes another way in training than in evaluation (`if self.training`).

The fix is unsafe: the losses stay the same and so do the gradients, but the network's output becomes raw scores, and
code that takes the exponential of it for probabilities has to take the softmax then. Both edits go together.
"""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from nnlint.edits import remove_op, replace_callee
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, identity
from nnlint.rule import bad, fix, good, graph_rule
from nnlint.structure import class_axis, is_made_by_constructor, is_made_by_mode, is_read_only_by, judges, normal_axis

#: views would move the axis of the classes
past = identity | Kind.of("squeeze", "unsqueeze")


@bad(input="20", loss="nll_loss")
def log_softmax_at_the_end() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 10), nn.LogSoftmax(dim=1))


@bad(input="1x28x28", loss="nll_loss")
def functional_log_softmax() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.scores = nn.Linear(784, 64), nn.Linear(64, 10)

        def forward(self, x: Tensor) -> Tensor:
            return F.log_softmax(self.scores(F.relu(self.hidden(x.flatten(1)))), dim=1)

    return Net()


@bad(input="3x32x32", loss="nll_loss")
def over_the_classes_of_each_pixel() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(16, 5, 1), nn.LogSoftmax(dim=1)
    )


@good(input="20", loss="cross_entropy")
def cross_entropy_on_scores() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 10))


@good(input="20", loss="nll_loss")
def log_probabilities_read_by_more() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scores, self.entropy = nn.Linear(20, 10), 0.0

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            log_p = F.log_softmax(self.scores(x), dim=1)
            return log_p, -(log_p.exp() * log_p).sum(dim=1)

    return Net()


@good(input="20")
def loss_over_another_axis() -> nn.Module:
    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scores = nn.Linear(20, 50)

        def forward(self, x: Tensor) -> Tensor:
            log_p = F.log_softmax(self.scores(x).view(-1, 5, 10), dim=2)
            return F.nll_loss(log_p.transpose(1, 2), x.new_zeros((len(x), 5)).long())

    return Tagger()


@good(input="20", loss="nll_loss")
def log_probabilities_in_training_only() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scores = nn.Linear(20, 10)

        def forward(self, x: Tensor) -> Tensor:
            scores: Tensor = self.scores(x)
            return scores.log_softmax(dim=1) if self.training else (scores / 2).log_softmax(dim=1)

    return Net()


@graph_rule(category="loss", level="info", since="0.1", tips=("loss-fits-task", "no-log-softmax-with-cross-entropy"))
def check(graph: Graph) -> Iterator[Finding]:
    """Looks for log-softmaxes over the classes that negative log-likelihoods read and nothing else does."""
    for source in graph.find("log_softmax"):
        losses = judges(source, past=past)
        axis = normal_axis(source.hyper.dim, len(source.shape))
        if not losses or is_made_by_mode(graph, source) or source.shape[axis or 0 :][:1] in ((), (1,)):
            continue
        if all(is_over(loss, source, axis) for loss in losses) and is_read_only_by(source, losses, past=past):
            yield source.finding(
                f"{source} and {losses[0]} together are cross-entropy: use CrossEntropyLoss on the raw scores", *losses
            )


def is_over(loss: Op, source: Op, axis: int | None) -> bool:
    """Whether a loss is negative log-likelihood over the very axis that the log-softmax ran over."""
    return loss.name == "nll_loss" and loss.in_shape == source.shape and axis == class_axis(source.shape)


@fix(safe=False)
def merge(finding: Finding) -> tuple[Edit, ...] | None:
    """Takes the log-softmax out and puts cross-entropy in the place of every loss that read it."""
    source, *losses = finding.subjects
    removed = remove_op(source)
    replaced = [
        replace_callee(loss, "CrossEntropyLoss" if is_made_by_constructor(loss) else "cross_entropy") for loss in losses
    ]
    if removed is None or None in replaced:
        return None
    return tuple(dict.fromkeys((*removed, *(edit for edit in replaced if edit is not None))))

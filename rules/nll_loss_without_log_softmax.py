"""Negative log-likelihood needs log-probabilities, and is given scores or probabilities.

`NLLLoss` picks the number of the right class and turns its sign; it takes no logarithm, whatever its name says. On raw
scores it falls without bound as the network raises all its scores, without telling the classes apart; on probabilities
it is bounded and its gradient is smallest where the answer is worst. Nothing raises; a negative loss is the sign of it.

The tip: cross-entropy for classes, on the raw scores.

What to do: for raw scores use `CrossEntropyLoss`, which contains the log-softmax; a softmax before `NLLLoss` becomes a
log-softmax (or goes, with `CrossEntropyLoss`).

What it costs: nothing.

What is known today: torch's documentation of `NLLLoss` says that its input has to contain log-probabilities, obtained
by a `LogSoftmax` layer, and names `CrossEntropyLoss` for those who want none.

Quiet when: a log-softmax, a logarithm or anything else whose values nnlint cannot tell stands before the loss; the
network takes another way in training than in evaluation (`if self.training`).

The fix is unsafe: it puts `CrossEntropyLoss` in the place of the loss on raw scores, and a log-softmax in the place of
a softmax; the network has to be trained again, and what reads its probabilities has to take the exponential.
"""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from nnlint.edits import replace_callee
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph
from nnlint.kinds import Kind, convolution, dropout, linear, normalisation, rectifier, recurrent, value_preserving
from nnlint.rule import bad, fix, good, graph_rule
from nnlint.structure import is_made_by_constructor, is_made_by_mode, is_read_only_by, judged, judges

scores = convolution | linear | recurrent | normalisation | rectifier
probabilities = Kind.of("softmax", "sigmoid", "hardsigmoid")
past = value_preserving | dropout


@bad(input="20", loss="nll_loss")
def raw_scores() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 10))


@bad(input="20", loss="nll_loss")
def softmax_without_the_logarithm() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 10), nn.Softmax(dim=1))


@bad(input="1x28x28", loss="nll_loss")
def functional_softmax() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.scores = nn.Linear(784, 64), nn.Linear(64, 10)

        def forward(self, x: Tensor) -> Tensor:
            return F.softmax(self.scores(F.relu(self.hidden(x.flatten(1)))), dim=1)

    return Net()


@good(input="20", loss="cross_entropy")
def cross_entropy() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 10))


@good(input="20", loss="nll_loss")
def probabilities_mixed_before_the_logarithm() -> nn.Module:
    class Mixture(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate, self.one, self.other = nn.Linear(20, 1), nn.Linear(20, 10), nn.Linear(20, 10)

        def forward(self, x: Tensor) -> Tensor:
            gate = self.gate(x).sigmoid()
            mixed: Tensor = gate * self.one(x).softmax(dim=1) + (1 - gate) * self.other(x).softmax(dim=1)
            return mixed.clamp(min=1e-8).log()

    return Mixture()


@good(input="20", loss="nll_loss")
def scores_in_evaluation_only() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scores = nn.Linear(20, 10)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.scores(x)
            if self.training:
                return out.log_softmax(dim=1)
            return out

    return Net()


@graph_rule(category="loss", level="error", since="0.1", tips=("loss-fits-task",))
def check(graph: Graph) -> Iterator[Finding]:
    """Walks back from each negative log-likelihood to the op that makes what it picks from."""
    for loss in graph.find("nll_loss"):
        for source in judged(loss, past=past):
            if is_made_by_mode(graph, source):
                continue
            if source in scores:
                yield loss.finding(
                    f"{loss} takes no logarithm and no softmax, and {source} makes raw scores; use CrossEntropyLoss",
                    source,
                )
            elif source in probabilities:
                yield loss.finding(
                    f"{loss} takes no logarithm, and {source} makes probabilities; use log_softmax in its place, or "
                    f"CrossEntropyLoss on the raw scores",
                    source,
                )


@fix(safe=False)
def take_the_logarithm(finding: Finding) -> Edit | None:
    """Replaces the loss on raw scores, and the softmax before it otherwise."""
    loss, source = finding.subjects
    if source.name == "softmax" and is_read_only_by(source, judges(source)):
        return replace_callee(source, "LogSoftmax" if source.module is not None else "log_softmax")
    if source in scores:
        return replace_callee(loss, "CrossEntropyLoss" if is_made_by_constructor(loss) else "cross_entropy")
    return None

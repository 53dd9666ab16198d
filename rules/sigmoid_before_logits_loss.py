"""The scores are squashed to [0, 1] before a loss that applies a sigmoid itself.

`BCEWithLogitsLoss` (and the soft-margin losses) read raw scores: 0 means undecided, and large numbers of either sign
mean certainty. Probabilities read as scores lie between undecided and a little in favour: squashed a second time they
end in [0.5, 0.73]. The network can never answer no, its loss stays above 0.31 on every positive and 0.69 on every
negative example, and the gradient passes through the slopes of two sigmoids.

The tip: binary cross-entropy for yes or no, with one sigmoid before it; this loss brings its own.

What to do: hand the loss the raw scores, and apply the sigmoid only where a probability is wanted, at prediction.

What it costs: nothing.

What is known today: torch's documentation of `BCEWithLogitsLoss` says that it combines a sigmoid layer and `BCELoss` in
one class; its input is the raw scores.

Quiet when: the sigmoid serves predictions or metrics and not the loss; it is a gate inside the network; the network
takes another way in training than in evaluation (`if self.training`).

The fix is unsafe: it takes the sigmoid out, and what reads the output as a probability has to apply it from then on.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from nnlint.edits import remove_op
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph
from nnlint.kinds import Kind, dropout, value_preserving
from nnlint.rule import bad, fix, good, graph_rule
from nnlint.structure import is_made_by_mode, is_read_only_by, judged, judges

judge = Kind.of("binary_cross_entropy_with_logits", "multilabel_soft_margin_loss", "soft_margin_loss")
squashing = Kind.of("sigmoid", "hardsigmoid", "softmax")
past = value_preserving | dropout


@bad(input="20", loss="binary_cross_entropy_with_logits")
def sigmoid_at_the_end() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 1), nn.Sigmoid())


@bad(input="20", loss="binary_cross_entropy_with_logits")
def squeezed_after_the_sigmoid() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.score = nn.Linear(20, 16), nn.Linear(16, 1)

        def forward(self, x: Tensor) -> Tensor:
            return torch.sigmoid(self.score(torch.relu(self.hidden(x)))).squeeze(1)

    return Net()


@bad(input="20", loss="multilabel_soft_margin_loss")
def softmax_for_several_labels() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 5), nn.Softmax(dim=1))


@good(input="20", loss="binary_cross_entropy_with_logits")
def raw_scores() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 1))


@good(input="20", loss="binary_cross_entropy_with_logits")
def sigmoid_for_predictions() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.score = nn.Linear(20, 16), nn.Linear(16, 1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.score(torch.relu_(self.hidden(x)))
            return out

        def predict(self, x: Tensor) -> Tensor:
            return torch.sigmoid(self.forward(x))

    return Net()


@good(input="16x8x8", loss="binary_cross_entropy_with_logits")
def sigmoid_gate() -> nn.Module:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.score, self.gate = nn.Conv2d(16, 1, 1), nn.Conv2d(16, 1, 1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.score(x) * self.gate(x).sigmoid()
            return out

    return Gated()


@good(input="20", loss="binary_cross_entropy_with_logits")
def probabilities_in_evaluation_only() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.score = nn.Linear(20, 1)

        def forward(self, x: Tensor) -> Tensor:
            score: Tensor = self.score(x)
            return score if self.training else score.sigmoid()

    return Net()


@graph_rule(category="loss", level="error", since="0.1", tips=("sigmoid-with-bce",))
def check(graph: Graph) -> Iterator[Finding]:
    """Walks back from each loss that applies a sigmoid to the op that makes its scores."""
    for loss in graph.find(judge):
        for source in judged(loss, past=past):
            if source in squashing and not is_made_by_mode(graph, source):
                yield source.finding(
                    f"{source} squashes scores that {loss} squashes again: what it reads lies in [0, 1], which it "
                    f"takes for undecided to a little in favour; give it the raw scores",
                    loss,
                )


@fix(safe=False)
def hand_on_the_scores(finding: Finding) -> tuple[Edit, ...] | None:
    """Takes the sigmoid out, unless something else reads it."""
    source = finding.subjects[0]
    return remove_op(source) if is_read_only_by(source, judges(source, past=past), past=past) else None

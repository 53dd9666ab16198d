"""Binary cross-entropy needs probabilities, and the network's output can lie outside [0, 1].

`BCELoss` takes logarithms of its input and of one minus its input. Outside [0, 1] that is not defined: on the CPU torch
raises, on a GPU an assertion ends the process, and values that happen to lie inside by chance teach the network nothing
sensible.

The tip: binary cross-entropy for binary targets, and always a sigmoid before it.

What to do: use `BCEWithLogitsLoss` on the raw scores. It computes the same and is exact where a sigmoid rounds to 0 or
1, so that no gradient gets lost; then apply the sigmoid only where probabilities are wanted, at prediction. Or end the
network with a sigmoid and keep `BCELoss`.

What it costs: nothing; the loss that contains the sigmoid is one operation instead of two.

What is known today: torch's documentation of `BCEWithLogitsLoss` calls it numerically more stable than a sigmoid
followed by `BCELoss`, by the log-sum-exp trick.

Quiet when: a sigmoid, a softmax or `clamp(0, 1)` stands between network and loss, in the network or in the training
loop; the network takes another way in training than in evaluation (`if self.training`); the loss is on something that
cannot be followed to a network; nnlint cannot tell what the last operation's values are.

The fix is unsafe: it puts `BCEWithLogitsLoss` in the place of the loss, and what reads the output as a probability (a
threshold of 0.5, say) has to apply the sigmoid from then on.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from nnlint.edits import replace_callee
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph
from nnlint.kinds import (
    Kind,
    average_pooling,
    convolution,
    dropout,
    linear,
    log_probability,
    max_pooling,
    normalisation,
    rectifier,
    recurrent,
    value_preserving,
)
from nnlint.rule import bad, fix, good, graph_rule
from nnlint.structure import is_made_by_constructor, is_made_by_mode, judged

#: what a sigmoid has to follow: any number
scores = convolution | linear | recurrent | normalisation
#: its values reach beyond [0, 1]
unbounded = scores | rectifier | log_probability | Kind.of("tanh", "softsign")
#: averages and selections of values in [0, 1] are in [0, 1], and of others need not be
keeps_range = value_preserving | average_pooling | max_pooling | dropout


@bad(input="20", loss="binary_cross_entropy")
def raw_scores() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 1))


@bad(input="20", loss="binary_cross_entropy")
def squashed_to_the_wrong_interval() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 1), nn.Tanh(), nn.Flatten(0))


@bad(input="3x32x32", loss="binary_cross_entropy")
def a_mask_of_raw_scores() -> nn.Module:
    class Mask(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 1, 1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.head(F.relu(self.body(x), inplace=True)).squeeze(1)
            return out

    return Mask()


@good(input="20", loss="binary_cross_entropy_with_logits")
def loss_with_logits() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 1))


@good(input="20", loss="binary_cross_entropy")
def clamped() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.score = nn.Linear(20, 1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.score(x).clamp(0, 1)
            return out

    return Net()


@good(input="20", loss="binary_cross_entropy_with_logits")
def scores_in_training_and_probabilities_in_evaluation() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.score = nn.Linear(20, 1)

        def forward(self, x: Tensor) -> Tensor:
            score: Tensor = self.score(x)
            return score if self.training else score.sigmoid()

    return Net()


@good(input="20", loss="binary_cross_entropy")
def probabilities_in_training_and_scores_in_evaluation() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.score = nn.Linear(20, 1)

        def forward(self, x: Tensor) -> Tensor:
            score: Tensor = self.score(x)
            return score.sigmoid() if self.training else score

    return Net()


@good(input="20", loss="binary_cross_entropy")
def a_distance_nobody_knows_the_range_of() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Linear(20, 8)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = torch.exp(-self.embed(x).square().sum(1))
            return out

    return Net()


@graph_rule(category="loss", level="error", since="0.1", tips=("loss-fits-task", "sigmoid-with-bce"))
def check(graph: Graph) -> Iterator[Finding]:
    """Walks back from the loss to the op that decides the range of what it judges."""
    for loss in graph.find("binary_cross_entropy"):
        for source in judged(loss, past=keeps_range):
            if source in unbounded and not is_made_by_mode(graph, source):
                reach = "give any number" if source in scores else "leave [0, 1]"
                yield loss.finding(
                    f"binary cross-entropy needs probabilities, but {source} can {reach}; use "
                    f"BCEWithLogitsLoss, or put a sigmoid after it",
                    source,
                )


@fix(safe=False)
def with_logits(finding: Finding) -> Edit | None:
    """Puts the loss that contains the sigmoid in its place, where nothing else squashes the scores."""
    loss, source = finding.subjects
    if source not in scores:
        return None
    name = "BCEWithLogitsLoss" if is_made_by_constructor(loss) else "binary_cross_entropy_with_logits"
    return replace_callee(loss, name)

"""Binary cross-entropy judges probabilities, and the network's output can be any number.

`BCELoss` takes logarithms of its input and of one minus its input. Outside [0, 1] that is not defined: on the CPU torch
raises, on a GPU an assertion ends the process, and values that happen to lie inside by chance teach the network nothing
sensible. The tip: binary cross-entropy for binary targets, and always a sigmoid before it.

What to do: use `BCEWithLogitsLoss` on the raw scores. It computes the same and is exact where a sigmoid rounds to 0 or
1, so that no gradient gets lost; then apply the sigmoid only where probabilities are wanted, at prediction. Or end the
network with a sigmoid and keep `BCELoss`.

What is known today: torch's documentation recommends the version with logits for its numerical stability (it uses the
log-sum-exp trick); libraries for detection and segmentation use nothing else.

Quiet when: a sigmoid, a softmax or `clamp(0, 1)` stands between network and loss, in the network or in the training
loop; nnlint cannot tell what the last operation's values are.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from nnlint.finding import Finding
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
from nnlint.rule import bad, good, graph_rule

#: its values reach beyond [0, 1]
unbounded = convolution | linear | recurrent | normalisation | rectifier | log_probability | Kind.of("tanh", "softsign")
#: averages and selections of values in [0, 1] are in [0, 1], and of others need not be
keeps_range = value_preserving | average_pooling | max_pooling | dropout


@bad(input="20", loss="binary_cross_entropy")
def raw_scores() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 1))


@bad(input="20", loss="binary_cross_entropy")
def squashed_to_the_wrong_interval() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 1), nn.Tanh(), nn.Flatten(0))


@good(input="20", loss="binary_cross_entropy")
def sigmoid_at_the_end() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())


@good(input="20", loss="binary_cross_entropy")
def softmax_at_the_end() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 3), nn.Softmax(dim=1))


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
def loss_with_logits() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 1))


@graph_rule(category="loss", level="error", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    """Walks back from the loss to the op that decides the range of what it judges."""
    for loss in graph.find("binary_cross_entropy"):
        for source in loss.back(past=keeps_range):
            if source in unbounded:
                yield loss.finding(
                    f"binary cross-entropy needs probabilities, but {source} can give any number; use "
                    f"BCEWithLogitsLoss, or put a sigmoid after it",
                    source,
                )

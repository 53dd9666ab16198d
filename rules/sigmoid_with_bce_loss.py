"""A sigmoid apart from binary cross-entropy loses the gradient of confident mistakes.

In float32 the sigmoid of 17 is exactly 1. From there on a wrong answer has the gradient 0: at a score of 120 with
target 0, `BCELoss` behind a sigmoid gives a gradient of 0, and `BCEWithLogitsLoss` the right one, 1. `BCELoss` also has
to cap its logarithm at -100 to stay finite.

The tip: put a sigmoid before binary cross-entropy, always. The loss that contains the sigmoid came into torch later; it
keeps the advice and is numerically sound.

What to do: take the sigmoid out and use `BCEWithLogitsLoss`; apply the sigmoid where probabilities are wanted, at
prediction. A threshold of 0.5 on probabilities is one of 0 on scores.

What it costs: nothing; one operation less is stored for the backward pass.

What is known today: torch's documentation of `BCEWithLogitsLoss` calls it numerically more stable than a plain sigmoid
followed by `BCELoss`. Under float16 autocast `binary_cross_entropy` raises, and torch names the version with logits.

Quiet when: the probabilities are read by anything else, in the network or by another loss; the network is an
autoencoder, whose output is a picture and not an answer; it is the discriminator of a GAN, whose textbook form this is;
it takes another way in training than in evaluation (`if self.training`).

The fix is unsafe: the output becomes raw scores, and what compares it with 0.5 has to compare with 0, or to apply the
sigmoid. Both edits go together.
"""

import re
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from nnlint.edits import remove_op, replace_callee
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.rule import bad, fix, good, graph_rule
from nnlint.structure import is_as_large_as_input, is_made_by_constructor, is_made_by_mode, is_read_only_by, judges

#: real, fake, and the generator's own: nothing but a GAN judges one output in three places
GAN_LOSSES = 3
_ADVERSARY = re.compile(r"(?i)discrim|critic|adversar|(^|\W|_)disc(\W|_|$)|net_?d$|^d$|^d_")


@bad(input="20", loss="binary_cross_entropy")
def sigmoid_at_the_end() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 1), nn.Sigmoid())


@bad(input="20", loss="binary_cross_entropy")
def functional_sigmoid() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.score = nn.Linear(20, 16), nn.Linear(16, 1)

        def forward(self, x: Tensor) -> Tensor:
            return torch.sigmoid(self.score(torch.relu_(self.hidden(x)))).squeeze(1)

    return Net()


@bad(input="3x32x32", loss="binary_cross_entropy")
def mask_of_probabilities() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(16, 1, 1), nn.Sigmoid())


@good(input="20", loss="binary_cross_entropy_with_logits")
def loss_with_logits() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 1))


@good(input="20", loss="binary_cross_entropy")
def probabilities_read_by_more() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.score = nn.Linear(20, 4)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            p = self.score(x).sigmoid()
            return p, p.mean(dim=0)

    return Net()


@good(input="1x28x28", loss="binary_cross_entropy")
def autoencoder() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(inplace=True), nn.Linear(64, 784), nn.Sigmoid())


@good(input="20", loss="binary_cross_entropy")
def discriminator() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.LeakyReLU(0.2, inplace=True), nn.Linear(16, 1), nn.Sigmoid())


@good(input="20", loss="binary_cross_entropy")
def scores_in_training_only() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.score = nn.Linear(20, 1)

        def forward(self, x: Tensor) -> Tensor:
            score: Tensor = self.score(x)
            return score if self.training else score.sigmoid()

    return Net()


@graph_rule(category="loss", level="info", since="0.1", tips=("sigmoid-with-bce",))
def check(graph: Graph) -> Iterator[Finding]:
    """Looks for sigmoids that binary cross-entropies read and nothing else does."""
    for source in graph.find("sigmoid"):
        losses = judges(source)
        if not losses or any(loss.name != "binary_cross_entropy" for loss in losses):
            continue
        if is_made_by_mode(graph, source) or is_as_large_as_input(graph, source) or is_adversary(graph, losses):
            continue
        if is_read_only_by(source, losses):
            yield source.finding(
                f"{source} and {losses[0]} are computed apart: a confident mistake gets no gradient; use "
                f"BCEWithLogitsLoss on the raw scores",
                *losses,
            )


def is_adversary(graph: Graph, losses: tuple[Op, ...]) -> bool:
    """Whether the network is the discriminator of a GAN, by its name or by the number of its judges."""
    return len(losses) >= GAN_LOSSES or _ADVERSARY.search(graph.name) is not None


@fix(safe=False)
def merge(finding: Finding) -> tuple[Edit, ...] | None:
    """Takes the sigmoid out and puts the loss with logits in the place of every loss that read it."""
    source, *losses = finding.subjects
    removed = remove_op(source)
    names = {True: "BCEWithLogitsLoss", False: "binary_cross_entropy_with_logits"}
    replaced = [replace_callee(loss, names[is_made_by_constructor(loss)]) for loss in losses]
    if removed is None or None in replaced:
        return None
    return tuple(dict.fromkeys((*removed, *(edit for edit in replaced if edit is not None))))

"""A ReLU on the scores cuts off the negative ones, so that the network cannot rule a class out.

A softmax, and a loss on raw scores, take any number for a score: a very negative one says "surely not". Behind a ReLU
the least is zero. Of several classes none can be ruled out; a sigmoid of what is never negative is never below one
half; and where all the scores are cut to zero no gradient comes back at all. LeakyReLU, GELU and the like do less harm:
they only shrink the negative scores.

The tip: every layer with weights but the last is followed by a non-linearity.

What to do: leave the activation out; the last layer's scores go straight to the loss or the softmax.

What it costs: nothing; the parameters are the same, but the network has to be trained again.

What is known today: torch's cross-entropy, and binary cross-entropy with logits, ask for unnormalised scores, which
need not be positive nor sum to one. Where a global average pooling follows the activation, as in SqueezeNet
(arXiv:1602.07360), the network is known to train: the score is a mean over places, and small where few of them are
positive.

Quiet when: pooling or a layer stands between; the softmax is inside the network (attention over rectified scores, as
in graph attention networks); the loss judges probabilities or numbers; the loss is on something that cannot be followed
to a network; the module takes another way in training.

The fix is unsafe: without the activation the network computes something else, and has to be trained again.
"""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from nnlint.edits import remove_op
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, convolution, dropout, linear, log_probability, logits_loss, rectifier, value_preserving
from nnlint.kinds import softmax as exponential
from nnlint.rule import bad, fix, good, graph_rule
from nnlint.structure import is_after_output, is_made_by_mode, judged

#: what wants scores when it stands at the end
final = exponential | log_probability
unchanged = value_preserving | dropout
#: gives no negative number; the other rectifiers give small ones
cutting = Kind.of("relu", "relu6", "softplus")


@bad(input="3x32x32", loss="cross_entropy")
def rectified_scores() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
        nn.ReLU(inplace=True),
    )


@bad(input="784", loss="binary_cross_entropy_with_logits")
def one_score_that_is_never_negative() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.score = nn.Linear(784, 128), nn.Linear(128, 1)
            self.act = nn.LeakyReLU(0.1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.act(self.score(self.act(self.hidden(x)))).squeeze(1)
            return out

    return Net()


@bad(input="784")
def before_the_softmax() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.score = nn.Linear(784, 128), nn.Linear(128, 10)

        def forward(self, x: Tensor) -> Tensor:
            x = F.relu(self.hidden(x))
            return F.log_softmax(F.relu(self.score(x)), dim=1)

    return Net()


@good(input="784", loss="cross_entropy")
def raw_scores() -> nn.Module:
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(inplace=True), nn.Linear(128, 10))


@good(input="3x32x32", loss="cross_entropy")
def pooling_between() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(16, 10, 1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


@good(input="12x32")
def attention_over_rectified_scores() -> nn.Module:
    class Pooling(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weigh, self.score = nn.Linear(32, 1), nn.Linear(32, 10)

        def forward(self, x: Tensor) -> Tensor:
            share = F.leaky_relu(self.weigh(x), 0.2, inplace=True).softmax(dim=1)
            out: Tensor = self.score((share.transpose(1, 2) @ x).squeeze(1))
            return out

    return Pooling()


@good(input="16", loss="poisson_nll_loss")
def numbers_that_are_not_negative() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 1), nn.Softplus())


@good(input="784", loss="cross_entropy")
def rectified_in_evaluation_only() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.score = nn.Linear(784, 128), nn.Linear(128, 10)

        def forward(self, x: Tensor) -> Tensor:
            scores: Tensor = self.score(nn.functional.relu(self.hidden(x), inplace=True))
            return scores if self.training else nn.functional.relu(scores)

    return Net()


@graph_rule(category="activation", level="warning", since="0.1", tips=("non-linearity-after-weights",))
def check(graph: Graph) -> Iterator[Finding]:
    """What the losses on scores judge, and what a softmax at the end reads."""
    seen = set()
    for judge in graph.find(logits_loss | final):
        sources = judged(judge, past=unchanged) if judge in logits_loss else read_at_the_end(graph, judge)
        for op in sources:
            if op in rectifier and op.index not in seen and follows_layer(op) and not is_made_by_mode(graph, op):
                seen.add(op.index)
                effect = (
                    "no class can be ruled out by a negative one" if op in cutting else "it shrinks the negative ones"
                )
                yield op.finding(f"{op} rectifies the scores that {judge} is given: {effect}; drop it", judge)


def read_at_the_end(graph: Graph, op: Op) -> tuple[Op, ...]:
    """What a softmax reads, if nothing but the output, the losses and the steps towards them read its result."""
    readers = tuple(op.ahead(past=unchanged))
    ends = all(reader.name == "output" or "loss" in reader.name or is_after_output(graph, reader) for reader in readers)
    return tuple(op.back(past=unchanged)) if ends and op.users else ()


def follows_layer(op: Op) -> bool:
    """Whether it rectifies a layer's result."""
    return any(source in convolution | linear for source in op.back(past=unchanged))


@fix(safe=False)
def mend(finding: Finding) -> tuple[Edit, ...] | None:
    """The activation taken out."""
    return remove_op(finding.subjects[0])

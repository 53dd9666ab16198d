"""Dropout after the last layer sets some of the network's scores to zero.

Dropout keeps the layers that *follow* from relying on single units. Behind the last layer nothing follows: every
score is set to 0 at random while training, whatever it says, and the others are scaled up. A class whose score was
dropped is neither right nor wrong, and its gradient is 0; a regression is asked to fit targets with 0.

What to do: leave it out, or move it before the last layer.

What it costs: a share p of the scores, and of the gradients, in every step, and the scores that are left are 1/(1-p)
times too large: with 0.5, twice. Without it no number changes at evaluation.

What is known today: Srivastava et al. 2014 (Dropout, JMLR 15) apply dropout to inputs and hidden units; torchvision's
classifiers (AlexNet, VGG, EfficientNet) all have it before the last linear layer.

Quiet when: a layer with weights follows; the network is an encoder or a block whose features are its result, as the
feed-forward part of a transformer (nnlint takes a result for scores if a loss judges it, a softmax or sigmoid ends it,
or it has at most ten numbers a sample); the dropped values are added to others; the rate is 0.

The fix is unsafe: training computes other numbers. At evaluation dropout does nothing, and it has no parameters.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from nnlint.edits import remove_op
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph
from nnlint.kinds import activation, average_pooling, dropout, value_preserving
from nnlint.rule import bad, fix, good, graph_rule
from nnlint.structure import layer_before, scores

#: between the last layer and its dropout
between = activation | average_pooling | value_preserving


@bad(input="16", loss="cross_entropy")
def sequential() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(inplace=True), nn.Linear(64, 20), nn.Dropout(0.5))


@bad(input="16")
def before_the_softmax() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = nn.Linear(16, 64)
            self.head = nn.Linear(64, 20)
            self.drop = nn.Dropout(0.2)

        def forward(self, x: Tensor) -> Tensor:
            x = self.head(self.hidden(x).relu_())
            x = self.drop(x)
            return x.softmax(dim=1)

    return Net()


@bad(input="16", loss="mse_loss")
def functional() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = nn.Linear(16, 64)
            self.head = nn.Linear(64, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.head(self.hidden(x).relu_())
            return nn.functional.dropout(x, 0.2, training=self.training).squeeze(1)

    return Net()


@good(input="16", loss="cross_entropy")
def before_the_last_layer() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(64, 20))


@good(input="16x64")
def feed_forward_block() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 256), nn.GELU(), nn.Dropout(0.1), nn.Linear(256, 64), nn.Dropout(0.1))


@good(input="16", loss="mse_loss")
def added_to_the_input() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.out, self.drop = nn.Linear(16, 64), nn.Linear(64, 16), nn.Dropout(0.1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = x + self.drop(self.out(self.hidden(x).relu_()))
            return out

    return Net()


@good(input="16", loss="cross_entropy")
def rate_zero() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(inplace=True), nn.Linear(64, 20), nn.Dropout(0.0))


@graph_rule(category="dropout", level="warning", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    """Looks at what makes the network's scores."""
    for drop in scores(graph):
        layer = layer_before(drop, past=between) if drop in dropout and drop.hyper.p else None
        if layer is not None:
            yield drop.finding(
                f"{drop} drops the network's scores, those of {layer}; leave it out, or put it before {layer}", layer
            )


@fix(safe=False)
def leave_out(finding: Finding) -> tuple[Edit, ...] | None:
    """Takes the dropout out, where it does nothing at evaluation."""
    drop = finding.subjects[0]
    return None if drop.hyper.training else remove_op(drop)

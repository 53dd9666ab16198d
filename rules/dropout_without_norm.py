"""A convolutional network has dropout and no norm.

Dropout slows training down and hides what a change of the network does: with it, and without a norm, it is hard to tell
whether a network learns badly because of its architecture or because of its regularisation.

The tip: settle the rest of the architecture first, and add dropout then.

What to do: leave dropout out, give the convolutions batch norm, train until the training loss is small; then add
dropout after the last norm if training and validation accuracy lie apart.

What it costs: nothing in parameters; dropout commonly makes training take two to three times as many epochs (Srivastava
et al. 2014, JMLR 15).

What is known today: batch norm took the place of dropout in most convolutional networks (Ioffe and Szegedy 2015,
arXiv:1502.03167, section 4.2.1: dropout can be removed); what is left of it stands before the last linear layer. The
order of work is a matter of taste, so this rule has to be asked for.

Quiet when: there is a norm of any kind; there are fewer than three convolutions; every rate is 0; the activation is
SELU, whose dropout is alpha dropout.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from nnlint.finding import Finding
from nnlint.graph import Graph
from nnlint.kinds import Kind, convolution, dropout, normalisation, unit_length
from nnlint.rule import bad, good, graph_rule

normalising = normalisation | unit_length | Kind.of("selu", "alpha_dropout", "feature_alpha_dropout")


@bad(input="3x32x32", loss="cross_entropy")
def sequential() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


@bad(input="3x32x32", loss="cross_entropy")
def functional() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convs = nn.ModuleList(nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))
            self.head = nn.Linear(3, 10)

        def forward(self, x: Tensor) -> Tensor:
            for conv in self.convs:
                x = nn.functional.dropout2d(conv(x).relu_(), 0.2, training=self.training)
            out: Tensor = self.head(x.mean(dim=(2, 3)))
            return out

    return Net()


@good(input="3x32x32", loss="cross_entropy")
def with_batch_norm() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3, padding=1, bias=False),
        nn.BatchNorm2d(128),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    )


@good(input="3x32x32", loss="cross_entropy")
def shallow() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(32, 10),
    )


@good(input="3x32x32", loss="cross_entropy")
def rate_zero() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.0),
        nn.Linear(64, 10),
    )


@good(input="3x32x32", loss="cross_entropy")
def selu() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.SELU(inplace=True),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.SELU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.SELU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.AlphaDropout(0.1),
        nn.Linear(64, 10),
    )


@graph_rule(category="dropout", level="info", since="0.1", default=False, tips=("architecture-before-dropout",))
def check(graph: Graph) -> Iterator[Finding]:
    """Finds the dropout of a network with convolutions and no norm."""
    drops = [drop for drop in graph.find(dropout) if drop.hyper.p]
    convolutions = sum(1 for _ in graph.find(convolution)) if drops else 0
    if convolutions < 3 or any(op in normalising for op in graph.ops):
        return
    for drop in drops:
        yield drop.finding(
            f"{drop} regularises a network of {convolutions} convolutions without a norm; settle the architecture "
            f"first (batch norm after each convolution), then see whether it needs dropout",
            convolutions=convolutions,
        )

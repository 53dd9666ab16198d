"""A norm layer after the last layer forces the network's scores to a fixed mean and variance.

The scores of a batch then depend on what else is in the batch, and their size is no longer learnt freely: a classifier
cannot become sure of itself by larger scores, and a batch in which one class is rare is stretched like any other. At
evaluation a running average takes the place of the batch, which fits the scores less than it fits hidden layers.

What to do: leave the norm out, so that the last layer's scores go to the loss or the final sigmoid as they are.

What it costs: two parameters a score, and steps whose targets the network cannot meet; at evaluation a batch norm is a
mere scaling that the last layer could do itself.

What is known today: Radford et al. 2016 (DCGAN, arXiv:1511.06434) found that batch norm at the generator's output led
to oscillating samples and unstable training, and leave it out there. Classification networks from ResNet on end with a
plain linear layer.

Quiet when: something else follows the norm, or an activation other than softmax and sigmoid; the network is an encoder
whose features are its result, such as a backbone, a transformer's encoder, or a projection head for self-supervised
learning or face recognition (nnlint takes a result for scores if a loss judges it, a softmax or sigmoid ends it, or it
has at most ten numbers a sample); the last layer stands after the norm, as with tied weights.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from nnlint.finding import Finding
from nnlint.graph import Graph
from nnlint.kinds import average_pooling, dropout, identity, normalisation, reshaping
from nnlint.rule import bad, good, graph_rule
from nnlint.structure import layer_before, scores

#: between the last layer and its norm
between = average_pooling | dropout | identity | reshaping


@bad(input="16", loss="cross_entropy")
def sequential() -> nn.Module:
    return nn.Sequential(
        nn.Linear(16, 64, bias=False),
        nn.BatchNorm1d(64),
        nn.ReLU(inplace=True),
        nn.Linear(64, 20, bias=False),
        nn.BatchNorm1d(20),
    )


@bad(input="3x32x32")
def before_the_last_sigmoid() -> nn.Module:
    class Mask(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 32, 3, padding=1)
            self.score = nn.Conv2d(32, 1, 1, bias=False)
            self.norm = nn.BatchNorm2d(1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.norm(self.score(self.conv(x).relu_())).sigmoid()
            return out

    return Mask()


@bad(input="16")
def functional() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = nn.Linear(16, 64)
            self.head = nn.Linear(64, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.head(self.hidden(x).relu_())
            return nn.functional.layer_norm(x, (3,))

    return Net()


@good(input="16", loss="cross_entropy")
def plain_scores() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(inplace=True), nn.Linear(64, 20))


@good(input="3x32x32")
def an_activation_follows() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(inplace=True))


@good(input="512")
def projection_head() -> nn.Module:
    return nn.Sequential(
        nn.Linear(512, 512, bias=False),
        nn.BatchNorm1d(512),
        nn.ReLU(inplace=True),
        nn.Linear(512, 128, bias=False),
        nn.BatchNorm1d(128, affine=False),
    )


@good(input="16x64")
def encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True, norm_first=True)
    return nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(64), enable_nested_tensor=False)


@good(input="32x16x16")
def linear_bottleneck() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(32, 192, 1, bias=False),
        nn.BatchNorm2d(192),
        nn.ReLU6(inplace=True),
        nn.Conv2d(192, 192, 3, padding=1, groups=192, bias=False),
        nn.BatchNorm2d(192),
        nn.ReLU6(inplace=True),
        nn.Conv2d(192, 32, 1, bias=False),
        nn.BatchNorm2d(32),
    )


@good(input="long:16", loss="cross_entropy")
def tied_weights() -> nn.Module:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(50, 32)
            self.norm = nn.LayerNorm(32)

        def forward(self, tokens: Tensor) -> Tensor:
            x = self.norm(self.embedding(tokens))
            return nn.functional.linear(x, self.embedding.weight).flatten(0, 1)

    return Model()


@graph_rule(category="normalisation", level="warning", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    """Looks at what makes the network's scores, and at the layer before it."""
    for norm in scores(graph):
        layer = layer_before(norm, past=between) if norm in normalisation else None
        if layer is not None:
            yield norm.finding(f"{norm} normalises the network's scores, those of {layer}; leave it out", layer)

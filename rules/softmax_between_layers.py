"""A softmax between two layers passes on little more than which unit is the largest.

A softmax makes its results compete: they sum to one, so that with many units each is close to zero, and one unit that
leads takes nearly all. Its gradient vanishes as soon as one leads. What the next layer can learn from is little.

The tip: between layers take ReLU or one of its relatives; what squashes belongs at the output.

What to do: put ReLU in its place, and keep the softmax for attention weights, or leave it to the loss.

What it costs: nothing; the parameters are the same. The network has to be trained again.

What is known today: a softmax inside a network is the usual way to *choose*: attention multiplies values with it,
mixtures of experts multiply outputs. As the activation between two layers it is not in common use.

Quiet when: its result is multiplied with values (attention, also behind a layer that mixes the heads) or with anything
else (gates, mixtures), or is read by several operations; the layer behind is frozen (an expectation over bins, say);
it is a Gumbel softmax, which picks a code; it is the network's output.
"""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, average_pooling, dropout, identity, matrix_product, max_pooling, normalisation, reshaping
from nnlint.rule import bad, good, graph_rule
from nnlint.structure import layer_after, layer_before

between = dropout | identity | reshaping | average_pooling | max_pooling
choosing = Kind.of("softmax", "softmin", "log_softmax")


@bad(input="784")
def in_a_sequential() -> nn.Module:
    return nn.Sequential(nn.Linear(784, 128), nn.Softmax(dim=1), nn.Linear(128, 10))


@bad(input="3x32x32")
def in_a_class() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
            self.act = nn.Softmax(dim=1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.second(self.act(self.first(x)))
            return out

    return Net()


@bad(input="784")
def as_a_function() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.score = nn.Linear(784, 128), nn.Linear(128, 10)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.score(F.dropout(F.softmax(self.hidden(x), dim=1), 0.2, self.training))
            return out

    return Net()


@good(input="784")
def rectifier() -> nn.Module:
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(inplace=True), nn.Linear(128, 10))


@good(input="16x64")
def attention_with_mixed_heads() -> nn.Module:
    class Talking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv, self.out = nn.Linear(64, 192), nn.Linear(64, 64)
            self.before, self.behind = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            query, key, value = self.qkv(x).unflatten(-1, (3, 4, 16)).permute(2, 0, 3, 1, 4)
            weights = self.behind(self.before(query @ key.transpose(-1, -2) / 4).softmax(-1))
            out: Tensor = self.out((weights @ value).transpose(1, 2).flatten(2))
            return out

    return Talking()


@good(input="64")
def mixture() -> nn.Module:
    class Mixture(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate, self.experts, self.score = nn.Linear(64, 4), nn.Linear(64, 128), nn.Linear(32, 10)

        def forward(self, x: Tensor) -> Tensor:
            share = self.gate(x).softmax(1)
            experts = F.relu(self.experts(x), inplace=True).unflatten(1, (4, 32))
            out: Tensor = self.score((share.unsqueeze(2) * experts).sum(1))
            return out

    return Mixture()


@good(input="64")
def expectation_over_bins() -> nn.Module:
    class Expectation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.bins = nn.Linear(64, 32), nn.Linear(32, 16)
            self.centres = nn.Linear(16, 1, bias=False).requires_grad_(False)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.centres(self.bins(F.relu(self.hidden(x), inplace=True)).softmax(1))
            return out

    return Expectation()


@good(input="64")
def picks_a_code() -> nn.Module:
    class Coded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.code, self.decode = nn.Linear(64, 32), nn.Linear(32, 64)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.decode(F.gumbel_softmax(self.code(x), dim=1))
            return out

    return Coded()


@graph_rule(category="activation", level="warning", since="0.1", tips=("squash-at-output-only", "relu-family"))
def check(graph: Graph) -> Iterator[Finding]:
    """The softmaxes that lead from one trained layer to the next and nowhere else."""
    for op in graph.find(choosing):
        before = layer_before(op, past=between | normalisation)
        after = layer_after(op, past=between | normalisation)
        if before is not None and after is not None and is_trained(after) and not mixes_heads(after):
            yield op.finding(
                f"{op} makes what {before} hands on to {after} sum to one: hardly more than the largest is left, and "
                f"its gradient vanishes; use ReLU between layers",
                before,
                after,
            )


def is_trained(layer: Op) -> bool:
    """Whether the layer learns."""
    return any(param.trainable for param in layer.params)


def mixes_heads(layer: Op) -> bool:
    """Whether values are multiplied with what the layer makes."""
    return any(reader in matrix_product for reader in layer.ahead(past=reshaping | identity | dropout))

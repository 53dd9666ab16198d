"""A fully connected layer of a classifier is wider than the one before it.

On the way to a few scores each layer leaves out what does not matter for them. A layer that is wider than the one
before it cannot contain more than that one handed on, and costs the product of both widths in weights.

What to do: let the widths fall towards the number of classes (512, 256, 10), or keep them equal.

What it costs: nothing; the narrower layer has fewer parameters.

What is known today: NeuraLint (Nikanjam et al. 2021, arXiv:2105.08095) counts it among the inefficiencies of a design.
Wider inner layers have their uses (the feed-forward part of a transformer has four times the width), so the rule is off
unless it is selected.

Quiet when: widths fall or stay; the wide layer is the last (many classes), or the first (few inputs); the network's
result is at least as wide as the layer before (generators, decoders, autoencoders); the layers work on tokens or lie in
a residual block; an operation other than activation, norm and dropout lies between.
"""

import math
from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import activation, dropout, identity, linear, normalisation
from nnlint.rule import bad, good, graph_rule

pointwise = activation | normalisation | dropout | identity


def network(*widths: int) -> nn.Sequential:
    """Linear layers of these widths with an activation between each two."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])


@bad(input="64")
def wider_and_wider() -> nn.Module:
    return network(64, 128, 256, 10)


@bad(input="784")
def a_waist() -> nn.Module:
    return network(784, 256, 64, 256, 10)


@bad(input="64")
def by_attributes() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.three = nn.Linear(64, 32), nn.Linear(32, 100), nn.Linear(100, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            scores: torch.Tensor = self.three(F.relu(self.two(F.relu(self.one(x)))))
            return scores

    return Net()


@good(input="784")
def falling() -> nn.Module:
    return network(784, 256, 64, 10)


@good(input="784")
def equal() -> nn.Module:
    return network(784, 128, 128, 10)


@good(input="4")
def few_inputs() -> nn.Module:
    return network(4, 64, 64, 3)


@good(input="256")
def many_classes() -> nn.Module:
    return network(256, 128, 1000)


@good(input="784")
def autoencoder() -> nn.Module:
    return network(784, 128, 32, 128, 784)


@good(input="32")
def generator_of_images() -> nn.Module:
    return nn.Sequential(*network(32, 64, 128, 784), nn.Unflatten(1, (1, 28, 28)))


@good(input="64")
def residual_block() -> nn.Module:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.score = nn.Linear(64, 64), nn.Linear(64, 10)
            self.up, self.down = nn.Linear(64, 256), nn.Linear(256, 64)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = F.relu(self.first(x), inplace=True)
            scores: torch.Tensor = self.score(F.relu(x + self.down(F.relu(self.up(x), inplace=True)), inplace=True))
            return scores

    return Block()


@good(input="16x64")
def feed_forward_part_of_a_transformer() -> nn.Module:
    return nn.TransformerEncoderLayer(64, 4, dim_feedforward=256, dropout=0.2, batch_first=True)


@graph_rule(category="convolution", level="info", since="0.1", default=False)
def check(graph: Graph) -> Iterator[Finding]:
    """Follows every hidden linear layer along its only reader to the next one."""
    units = max((math.prod(result.shape[1:]) for result in {*graph.output.inputs}), default=0)
    for first in graph.find(linear):
        second = next_layer(first)
        if second is None or next_layer(second) is None or len(first.shape) != 2:
            continue
        narrow, wide = first.shape[1], second.shape[1]
        if units < narrow < wide:
            yield second.finding(
                f"{second} has {wide} units, more than the {narrow} of {first} before it, on the way to {units}; let "
                f"the widths fall",
                first,
                units=wide,
                units_before=narrow,
            )


def next_layer(layer: Op) -> Op | None:
    """The linear layer that a single line of activations, norms and dropout leads to."""
    op = layer
    while len(op.users) == 1 and len(op.users[0].inputs) == 1:
        op = op.users[0]
        if op in linear:
            return op
        if op not in pointwise:
            return None
    return None

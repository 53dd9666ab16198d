"""Tanh between layers saturates, and ReLU learns faster.

For inputs beyond two or three tanh is flat and lets no gradient through; below that its slope is less than one
everywhere but at zero. In deep stacks the layers at the front learn slowly.

The tip: take ReLU or one of its relatives between layers, and keep tanh for outputs that have to lie in [-1, 1].

What to do: put ReLU (or GELU, where the function has to be smooth) in its place, and train again.

What it costs: nothing; the parameters are the same, and ReLU is cheaper to compute.

What is known today: Krizhevsky, Sutskever and Hinton 2012 (ImageNet classification with deep convolutional neural
networks) reach 25 % training error on CIFAR-10 six times faster with ReLU than with tanh. Tanh centres its results,
unlike ReLU, and is still usual for control by reinforcement learning and for networks that solve differential
equations, which are differentiated twice and more: the second derivative of ReLU is zero.

Quiet when: its result is multiplied or added to something (gates, recurrent cells, soft caps), read by several
operations, or is the network's output; other activations are in the majority, so that this one squashes one thing on
purpose (a pooler, a code, an image of at most four channels); what it reads is normalised; the network is made of
linear layers alone and reads at most 64 numbers a sample (coordinates, the state of an agent).
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import (
    Kind,
    activation,
    average_pooling,
    convolution,
    dropout,
    identity,
    max_pooling,
    normalisation,
    reshaping,
)
from nnlint.rule import bad, good, graph_rule
from nnlint.structure import layer_after, layer_before

between = dropout | identity | reshaping | average_pooling | max_pooling
#: so many numbers a sample may be coordinates or the state of an agent; so many channels an image
FEW, IMAGE = 64, 4


@bad(input="1x28x28")
def in_a_convolutional_network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.Tanh()
    )


@bad(input="1x28x28")
def behind_a_flattened_image() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.Tanh(), nn.Linear(64, 10))


@bad(input="784")
def in_a_class() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.score = nn.Linear(784, 128), nn.Linear(128, 64), nn.Linear(64, 10)
            self.act = nn.Tanh()

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.score(self.act(self.second(self.act(self.first(x)))))
            return out

    return Net()


@bad(input="784")
def as_a_function() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.score = nn.Linear(784, 128), nn.Linear(128, 10)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.score(torch.tanh(self.hidden(x)))
            return out

    return Net()


@good(input="784")
def rectifier() -> nn.Module:
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(inplace=True), nn.Linear(128, 10))


@good(input="784")
def gate() -> nn.Module:
    class Gate(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.value, self.gate, self.out = nn.Linear(784, 64), nn.Linear(784, 64), nn.Linear(64, 10)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.out(self.value(x).tanh() * self.gate(x).sigmoid())
            return out

    return Gate()


@good(input="16x8x8")
def at_the_output() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(16, 3, 3, padding=1), nn.Tanh()
    )


@good(input="784")
def one_among_others() -> nn.Module:
    return nn.Sequential(
        nn.Linear(784, 128), nn.GELU(), nn.Linear(128, 128), nn.GELU(), nn.Linear(128, 64), nn.Tanh(), nn.Linear(64, 10)
    )


@good(input="784")
def normalised() -> nn.Module:
    return nn.Sequential(nn.Linear(784, 64, bias=False), nn.BatchNorm1d(64), nn.Tanh(), nn.Linear(64, 10))


@good(input="3")
def coordinates() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))


@graph_rule(category="activation", level="info", since="0.1", tips=("squash-at-output-only", "relu-family"))
def check(graph: Graph) -> Iterator[Finding]:
    """The tanhs that lead from one layer to the next, where they are the network's activation."""
    found = [(op, *around) for op in graph.find("tanh") if (around := layers_around(op)) is not None]
    others = sum(op not in Kind.of("tanh", "sigmoid") for op in graph.find(activation))
    if len(found) <= others or reads_little(graph):
        return
    for op, before, after in found:
        yield op.finding(
            f"{op} squashes what {before} hands on to {after}: it saturates, and ReLU learns faster between layers",
            before,
            after,
        )


def layers_around(op: Op) -> tuple[Op, Op] | None:
    """The layers before and after, if it is between two of them, alone, and not behind a norm."""
    before, after = layer_before(op, past=dropout | identity | reshaping), layer_after(op, past=between)
    normed = any(source in normalisation for source in op.back(past=dropout | identity | reshaping))
    if before is None or after is None or normed or (before.hyper.out_channels or 0) <= IMAGE:
        return None
    return before, after


def reads_little(graph: Graph) -> bool:
    """Whether a network without convolutions reads a few numbers a sample: as many as its first layers take."""
    widths = [width(source) for source in graph.inputs]
    return not any(op in convolution for op in graph.ops) and sum(widths) <= FEW


def width(source: Op) -> int:
    """How many numbers at a time the layers take that read an input, flattened or not."""
    sizes = [reader.hyper.in_channels for reader in source.ahead(past=reshaping | identity)]
    return max([size for size in sizes if size], default=source.shape[-1] if source.shape else 1)

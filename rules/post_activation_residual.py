"""In a very deep residual network the activation after each sum stands in the way of the identity.

A residual block adds what it computes to its input, so that the input can pass unchanged from the first block to the
last. With a ReLU after each sum it does not: every block cuts off what has become negative, and the gradient has to
pass as many ReLUs as there are blocks. It matters in networks of more than a hundred layers.

The tip: in very deep networks put norm and activation before the convolution, inside the block, and nothing after the
sum.

What to do: order each block norm, activation, convolution, norm, activation, convolution, add the input as it is, and
put one last norm and activation before the head.

What it costs: nothing; the layers are the same in another order. A trained network has to be trained again.

What is known today: He et al. 2016 (Identity mappings in deep residual networks, arXiv:1603.05027) compare the orders:
with 1,001 layers on CIFAR-10 the error falls from 7.61 % to 4.92 %, with 110 layers from 6.61 % to 6.37 %. Transformers
came to the same (norm first, Xiong et al. 2020, arXiv:2002.04745).

Quiet when: no path has more weighted layers than `maximum` (100; a team that does not mind the order raises it) (one
that runs several times counts once, one that gates a map by one number a channel does not count); the sums are read as
they are; the network attends.
"""

from collections.abc import Iterator

import torch
from torch import nn

from nnlint.algorithms import longest_path
from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import convolution, linear, rectifier
from nnlint.maps import has_attention, map_size
from nnlint.rule import bad, good, graph_rule

layers = convolution | linear


class After(nn.Module):
    """The block of 2015: the activation comes after the sum."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.norm2 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The activated sum."""
        out: torch.Tensor = self.relu(x + self.norm2(self.conv2(self.relu(self.norm1(self.conv1(x))))))
        return out


class Before(nn.Module):
    """The block of 2016: norm and activation come first, and nothing after the sum."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(width), nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(width), nn.Conv2d(width, width, 3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sum."""
        out: torch.Tensor = x + self.conv2(torch.relu_(self.norm2(self.conv1(torch.relu_(self.norm1(x))))))
        return out


def network(block: type[nn.Module], blocks: int) -> nn.Module:
    """A stem, so many blocks of two convolutions, and a head."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        *[block() for _ in range(blocks)],
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )


@bad(input="3x16x16")
def hundred_and_ten_layers() -> nn.Module:
    return network(After, 54)


@bad(input="3x16x16")
def functional() -> nn.Module:
    class Block(After):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
            return nn.functional.relu(torch.add(out, x))

    return network(Block, 54)


@bad(input="16")
def linear_layers() -> nn.Module:
    class Deep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(16, 16) for _ in range(102))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for layer in self.layers:
                x = torch.relu(x + layer(x))
            return x

    return Deep()


@good(input="3x16x16")
def activation_before_convolution() -> nn.Module:
    return network(Before, 54)


@good(input="3x16x16")
def fifty_layers() -> nn.Module:
    return network(After, 24)


@good(input="16")
def one_layer_many_times() -> nn.Module:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 16)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for _ in range(102):
                x = torch.relu_(x + self.layer(x))
            return x

    return Recurrent()


@graph_rule(category="convolution", level="info", since="0.1", tips=("residual-blocks",))
def check(graph: Graph, *, maximum: int = 100) -> Iterator[Finding]:
    """Looks behind the sums of networks that are that deep."""
    if sum(op in layers for op in graph.ops) <= maximum:
        return
    depth = len({op.path for op in longest_path(graph, layers) if op in layers and is_layer_of_maps(op)})
    sums = [op for op in graph.find("add") if is_activated_sum(op)] if depth > maximum else []
    if len(sums) > 1 and not has_attention(graph):
        yield (
            sums[0]
            .users[0]
            .finding(
                f"{sums[0].users[0]} activates a residual sum, as after {len(sums)} sums of this network; with {depth} "
                f"weighted layers that hinders: put norm and activation before the convolutions of each block",
                sums[0],
                depth=depth,
                sums=len(sums),
            )
        )


def is_layer_of_maps(op: Op) -> bool:
    """Whether it works on a map or on a vector, and not on the single pixel of a gate."""
    size = map_size(op.shape)
    return not size or max(size) > 1


def is_activated_sum(op: Op) -> bool:
    """Whether two branches are added, and nothing but an activation reads the sum."""
    if len({*op.inputs}) != 2 or {source.shape for source in op.inputs} != {op.shape}:
        return False
    return len({*op.users}) == 1 and op.users[0] in rectifier and max(map_size(op.shape) or (2,)) > 1

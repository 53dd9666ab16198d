"""One batch norm layer normalises the outputs of different layers.

A batch norm keeps one running mean and one running variance. If it is called on the outputs of two different layers,
it trains with the statistics of each, and evaluates with a mixture that is right for neither: the network works while
it trains, and fails in evaluation mode. Scale and shift are shared too.

What to do: make one batch norm for each place. A norm has two parameters a channel, so that sharing saves next to
nothing.

What it costs: two parameters a channel for every further norm. What sharing costs in accuracy depends on how far the
two distributions lie apart; the loss of a network in training mode does not show it.

What is known today: Xie et al. 2020 (AdvProp, arXiv:1911.09665) show how much it matters even for one and the same
layer: adversarial and clean images have different statistics, and a second set of batch norms for the former turned
a loss of accuracy into a gain.

Quiet when: the layers before are the same ones, as in siamese networks, recurrent cells and detection heads that are
shared over the levels of a pyramid; the norm reads the network's inputs; it is frozen or keeps no running statistics;
nnlint cannot tell which layers the tensors come from.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import activation, convolution, identity, linear, pooling
from nnlint.rule import bad, good, graph_rule
from nnlint.structure import batch_norms_in_training, layer_before

#: between a layer and its norm
between = activation | identity | pooling


@bad(input="3x32x32")
def two_convolutions() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 32, 3, padding=1, bias=False)
            self.second = nn.Conv2d(32, 32, 3, padding=1, bias=False)
            self.norm = nn.BatchNorm2d(32)

        def forward(self, x: Tensor) -> Tensor:
            x = self.norm(self.first(x)).relu_()
            out: Tensor = self.norm(self.second(x)).relu_()
            return out

    return Net()


@bad(input="3x32x32")
def one_object_in_a_sequence() -> nn.Module:
    norm = nn.BatchNorm2d(16)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        norm,
        nn.ReLU(inplace=True),
        nn.Conv2d(16, 16, 3, padding=1, bias=False),
        norm,
        nn.ReLU(inplace=True),
    )


@bad(input="16")
def in_a_loop() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(16, 16, bias=False) for _ in range(3))
            self.norm = nn.BatchNorm1d(16)

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = self.norm(layer(x)).relu_()
            return x

    return Net()


@good(input="3x32x32")
def one_norm_each() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.Conv2d(16, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
    )


@good(input="2x3x32x32")
def siamese() -> nn.Module:
    class Siamese(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.branch = nn.Sequential(
                nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)
            )

        def forward(self, pair: Tensor) -> Tensor:
            left, right = pair.unbind(1)
            out: Tensor = (self.branch(left) - self.branch(right)).abs()
            return out

    return Siamese()


@good(input="2x8x32x32")
def normalises_the_inputs() -> nn.Module:
    class Inputs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(8)

        def forward(self, pair: Tensor) -> Tensor:
            left, right = pair.unbind(1)
            out: Tensor = self.norm(left) - self.norm(right)
            return out

    return Inputs()


@good(input="16")
def keeps_no_statistics() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(16, 16, bias=False)
            self.second = nn.Linear(16, 16, bias=False)
            self.norm = nn.BatchNorm1d(16, track_running_stats=False)

        def forward(self, x: Tensor) -> Tensor:
            x = self.norm(self.first(x)).relu_()
            out: Tensor = self.norm(self.second(x)).relu_()
            return out

    return Net()


@good(input="16")
def frozen() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(16, 16)
            self.second = nn.Linear(16, 16)
            self.norm = nn.BatchNorm1d(16)
            self.norm.eval()

        def forward(self, x: Tensor) -> Tensor:
            x = self.norm(self.first(x)).relu_()
            out: Tensor = self.norm(self.second(x)).relu_()
            return out

    return Net()


@graph_rule(category="normalisation", level="warning", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    """Groups the calls of every batch norm by the layer whose output they read."""
    calls: dict[nn.Module, list[Op]] = {}
    for norm in batch_norms_in_training(graph):
        if norm.module is not None and norm.hyper.track_running_stats is not False:
            calls.setdefault(norm.module, []).append(norm)
    for same in calls.values():
        layers = layers_before(same) if len(same) > 1 else []
        if len(layers) > 1:
            named = ", ".join(str(layer) for layer in layers[:-1]) + f" and {layers[-1]}"
            yield same[0].finding(
                f"{same[0]} normalises {named} with one set of running statistics; make a batch norm for each",
                *layers,
                calls=len(same),
            )


def layers_before(calls: list[Op]) -> list[Op]:
    """The layers that the calls read, each module once; none if one call reads something else."""
    layers: dict[nn.Module, Op] = {}
    for norm in calls:
        layer = layer_before(norm, past=between)
        if layer is None or layer not in convolution | linear or layer.module is None:
            return []
        layers.setdefault(layer.module, layer)
    return list(layers.values())

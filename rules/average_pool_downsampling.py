"""Average pooling between convolutions blurs what the layers before it have found.

The maximum of a window says that a feature is there, the mean how much of the window it fills: a strong answer at one
pixel of four comes out at a quarter of its strength. And averaging is linear: a convolution after it computes nothing
that one with a larger kernel and a stride could not, while max pooling is a non-linearity of its own.

The tip: make maps smaller by max pooling or by the stride of a convolution; average only over the whole map, at the
end.

What to do: take max pooling of the same window, or give the convolution before it the stride.

What it costs: nothing; max pooling has no parameters either. Give the stride to the convolution, and the
multiply-accumulates of that layer fall to a quarter.

What is known today: Scherer et al. 2010 (Evaluation of pooling operations in convolutional architectures for object
recognition, ICANN) found max pooling better than subsampling by averages on images; Springenberg et al. 2014 (Striving
for simplicity, arXiv:1412.6806) that strides do as well. Averages have their places: where aliasing matters (Zhang
2019, arXiv:1904.11486), in shortcuts (ResNet-D, arXiv:1812.01187), in the transitions of DenseNet (arXiv:1608.06993).

Quiet when: it averages the whole map, or what follows is the head; a 1x1 convolution stands before it, as in DenseNet's
transitions; it stands in one branch of several (shortcuts, Inception); it smooths only, with stride 1, or after a max
pooling with stride 1; it makes the input or a residual sum smaller; it runs along one axis; what it averages was
squared or normalised to a result (power, similarity), not activated; the network attends or decodes.

The fix is unsafe: a trained network has to be trained again.
"""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from nnlint.edits import replace_callee
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, activation, arithmetic, convolution, dropout, identity, normalisation
from nnlint.maps import along_one_axis, covers_map, has_attention, is_decoder, on_maps, shrinks_map
from nnlint.rule import bad, fix, good, graph_rule

pointwise = activation | normalisation | dropout | identity


@bad(input="3x32x32")
def between_convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


@bad(input="1x32x32")
def lenet() -> nn.Module:
    class LeNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
            self.pool = nn.AvgPool2d(2, stride=2)
            self.fc = nn.Linear(16 * 6 * 6, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.pool(torch.tanh(self.conv1(x)))
            scores: torch.Tensor = self.fc(self.pool(torch.tanh(self.conv2(x))).flatten(1))
            return scores

    return LeNet()


@bad(input="3x32x32")
def functional() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = F.avg_pool2d(F.relu(self.one(x)), 2)
            return F.relu(self.two(x)).mean((2, 3))

    return Net()


@good(input="3x32x32")
def max_pooling() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


@good(input="64x8x8")
def over_the_whole_map() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(inplace=True), nn.AvgPool2d(8), nn.Flatten(), nn.Linear(64, 10)
    )


@good(input="64x8x8")
def before_the_head() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(inplace=True), nn.AvgPool2d(4), nn.Flatten(), nn.Linear(64 * 4, 10)
    )


@good(input="64x16x16")
def transition_of_densenet() -> nn.Module:
    return nn.Sequential(
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.Conv2d(64, 32, 1, bias=False),
        nn.AvgPool2d(2),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 64, 3, padding=1),
    )


@good(input="32x16x16")
def shortcut() -> nn.Module:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = nn.Conv2d(32, 64, 3, stride=2, padding=1)
            self.two = nn.Conv2d(64, 64, 3, padding=1)
            self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(32, 64, 1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.relu(self.two(F.relu(self.one(x), inplace=True)) + self.shortcut(x), inplace=True)

    return Block()


@good(input="3x32x32")
def against_aliasing() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2, stride=1),
        nn.AvgPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(inplace=True),
    )


@good(input="3x64x64")
def smaller_input() -> nn.Module:
    return nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(inplace=True))


@good(input="32x16x16")
def residual_sum() -> nn.Module:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(32, 32, 3, padding=1), nn.Conv2d(32, 32, 3, padding=1)
            self.last = nn.Conv2d(32, 32, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            branch = F.avg_pool2d(self.two(F.relu(self.one(x), inplace=True)), 2)
            out: torch.Tensor = self.last(F.relu(branch + F.avg_pool2d(x, 2), inplace=True))
            return out

    return Block()


@good(input="32x1x100")
def along_a_sequence() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(32, 32, (1, 3), padding=(0, 1)),
        nn.ReLU(inplace=True),
        nn.AvgPool2d((1, 4)),
        nn.Conv2d(32, 64, (1, 3), padding=(0, 1)),
        nn.ReLU(inplace=True),
    )


@good(input="8x32x32")
def power() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.two(F.avg_pool2d(self.one(x).square(), 4).clamp(min=1e-6).log())
            return out

    return Net()


@good(input="3x32x32")
def decoded_again() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AvgPool2d(2),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(32, 3, 4, stride=2, padding=1),
    )


@good(input="3x32x32")
def smooths_only() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AvgPool2d(3, stride=1, padding=1),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(inplace=True),
    )


@graph_rule(category="convolution", level="info", since="0.1", tips=("max-pool-or-stride",))
def check(graph: Graph) -> Iterator[Finding]:
    """The average poolings every path goes through, between one convolution and the next."""
    pools = [op for op in on_maps(graph, Kind.of("avg_pool2d", "avg_pool3d")) if is_downsampler(op)]
    if not pools or has_attention(graph) or is_decoder(graph):
        return
    for pool in pools:
        before, after = "x".join(map(str, pool.in_shape[2:])), "x".join(map(str, pool.shape[2:]))
        yield pool.finding(
            f"{pool} makes the map smaller ({before} to {after}) by averaging, which weakens what the layers before "
            f"have found; max pooling or a convolution with stride keeps it"
        )


def is_downsampler(pool: Op) -> bool:
    """Whether it stands alone between an activated convolution and the next one."""
    if not shrinks_map(pool) or covers_map(pool) or along_one_axis(pool) or not pool.inputs:
        return False
    op, activated = pool.inputs[0], False
    while op in pointwise and len(op.users) == 1 and len(op.inputs) == 1:
        activated = activated or op in activation
        op = op.inputs[0]
    if len(op.users) > 1 or not activated or op not in convolution or max(op.hyper.kernel or (1,)) == 1:
        return False
    readers = tuple(pool.ahead(past=pointwise))
    return any(reader in convolution for reader in readers) and not any(reader in arithmetic for reader in readers)


@fix(safe=False)
def take_the_maximum(finding: Finding) -> Edit | None:
    """The same window, but its maximum."""
    pool = finding.subjects[0]
    dimensions = pool.name.removeprefix("avg_pool")
    return replace_callee(pool, f"MaxPool{dimensions}" if pool.module is not None else f"max_pool{dimensions}")

"""Most of the network's parameters are in the one linear layer that reads the flattened map.

A 7x7 map of 512 channels, flattened, is 25,088 features; a linear layer of 4,096 units on them has 103 million weights,
more than all the convolutions before it together. Each weight belongs to one place of the map, so nothing that is
learnt at one place is known at another, which is what convolutions are there to avoid; so many weights overfit easily,
and the size of the image is fixed.

The tip: end with 1x1 convolutions and global average pooling instead of fully connected layers.

What to do: average each channel over the map (`nn.AdaptiveAvgPool2d(1)`) before flattening. The linear layer then reads
one number a channel, and the network takes images of any size.

What it costs: the finding says how many parameters go. The linear layer loses sight of where something is; where that
matters (coordinates, board positions) keep it, or pool to a small map instead of one pixel.

What is known today: global average pooling is Network in Network's (Lin et al. 2013, arXiv:1312.4400); most
convolutional classifiers since GoogLeNet (arXiv:1409.4842) and ResNet (arXiv:1512.03385) end with it. Of AlexNet and
VGG-16, which do not, this one layer has 62 % and 74 % of the weights.

Quiet when: no convolution made the map (the pixels themselves are flattened); it is averaged to one pixel before; the
layer has fewer weights than `minimum` (1,000,000; lower for small devices), or less than half of the network's
parameters; positions matter or are asked for: a regression loss, fewer than nine units in the result without a known
loss, several results (actor and critic, mean and variance), tokens (attention), a decoder behind the layer, the
convolutions of a sequence; it is a discriminator (one score, leaky ReLU).

The fix is unsafe: the linear layer becomes smaller, so a trained network has to be trained again.
"""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from nnlint.algorithms import ancestors
from nnlint.edits import insert_after, set_features
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import activation, classification_loss, convolution, dropout, identity, linear, loss, reshaping
from nnlint.maps import has_attention, is_decoder, map_size
from nnlint.rule import bad, fix, good, graph_rule

#: stands between the flattened map and the layer
between = activation | dropout | identity
#: without a known loss, so few results may be coordinates
FEW = 8


@bad(input="3x64x64")
def flattened() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(64 * 16 * 16, 100)
    )


@bad(input="3x64x64", loss="cross_entropy")
def viewed_in_forward() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 64, 3, padding=1)
            self.fc1 = nn.Linear(64 * 16 * 16, 128)
            self.fc2 = nn.Linear(128, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = F.max_pool2d(F.relu(self.conv(x)), 4).view(-1, 64 * 16 * 16)
            scores: torch.Tensor = self.fc2(F.relu(self.fc1(x)))
            return scores

    return Net()


@bad(input="3x224x224")
def pooled_to_seven_by_seven() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d((7, 7)),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(64 * 7 * 7, 512),
        nn.ReLU(),
        nn.Linear(512, 10),
    )


@good(input="3x64x64")
def on_pixels() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 512), nn.ReLU(inplace=True), nn.Linear(512, 10))


@good(input="3x64x64")
def averaged() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(4),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 100),
    )


@good(input="1x28x28", loss="cross_entropy")
def small() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(16 * 7 * 7, 10)
    )


@good(input="3x64x64", loss="mse_loss")
def coordinates() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * 32 * 32, 20),
    )


@good(input="3x64x64")
def few_results() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256 * 32 * 32, 6),
    )


@good(input="3x64x64")
def mean_and_variance() -> nn.Module:
    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 64, 3, stride=2, padding=1)
            self.mean, self.variance = nn.Linear(64 * 32 * 32, 64), nn.Linear(64 * 32 * 32, 64)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            x = F.relu(self.conv(x), inplace=True).flatten(1)
            return self.mean(x), self.variance(x)

    return Encoder()


@good(input="3x32x32")
def code_of_an_autoencoder() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(32 * 16 * 16, 128),
        nn.Linear(128, 32 * 16 * 16),
        nn.ReLU(inplace=True),
        nn.Unflatten(1, (32, 16, 16)),
        nn.ConvTranspose2d(32, 3, 4, stride=2, padding=1),
    )


@good(input="3x64x64", loss="binary_cross_entropy_with_logits")
def discriminator() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Flatten(),
        nn.Linear(64 * 32 * 32, 32),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Linear(32, 1),
    )


@good(input="3x64x64")
def tokens() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, 64, 8, stride=8)
            self.score = nn.Linear(64 * 8 * 8, 400)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.patches(x).flatten(2).transpose(1, 2)
            x = x + F.scaled_dot_product_attention(x, x, x)
            scores: torch.Tensor = self.score(x.flatten(1))
            return scores

    return Net()


@good(input="16x1024")
def sequence() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(16, 32, 3, padding=1), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(32 * 1024, 100)
    )


@good(input="3x32x32")
def most_parameters_are_elsewhere() -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in ((3, 128), (128, 256), (256, 512), (512, 512)):
        layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
        layers += [nn.MaxPool2d(2)] if after > before > 3 else []
    hidden = [nn.Linear(512 * 8 * 8, 32), nn.ReLU(inplace=True), nn.Linear(32, 10)]
    return nn.Sequential(*layers, nn.Flatten(), *hidden)


@graph_rule(category="convolution", level="warning", since="0.1", tips=("global-average-pooling",))
def check(graph: Graph, *, minimum: int = 1_000_000) -> Iterator[Finding]:
    """The linear layers on a flattened map that hold most of the network."""
    for layer in graph.find(linear):
        weights = next((param.numel for param in layer.params if param.role == "weight"), 0)
        if weights < minimum or 2 * weights < graph.params or not (flat := flattening(layer)):
            continue
        if not any(op in convolution for op in ancestors(graph, flat)):
            continue  # it reads the pixels themselves
        if needs_positions(graph):
            return
        channels, size = flat.in_shape[1], map_size(flat.in_shape)
        then = weights // (flat.shape[1] // channels)
        yield layer.finding(
            f"{layer} reads the flattened {'x'.join(map(str, size))} map and holds {weights / graph.params:.0%} of the "
            f"network's parameters ({weights:,} of {graph.params:,}); averaged over the map first, it needs {then:,}",
            flat,
            weights=weights,
            weights_averaged=then,
        )


def flattening(layer: Op) -> Op | None:
    """The op that turned a map of more than one pixel into the features a layer reads."""
    for op in layer.back(past=between):
        size = map_size(op.in_shape)
        if op in reshaping and len(op.shape) == 2 and len(size) >= 2 and max(size) > 1:
            return op if op.shape[1] % op.in_shape[1] == 0 else None
    return None


def needs_positions(graph: Graph) -> bool:
    """Whether the result says where something is, or is one that averaging does not fit."""
    results = set(graph.output.inputs)
    judges = [op for op in graph.find(loss) if op.inputs]
    if len(results) != 1 or has_attention(graph) or is_decoder(graph):
        return True
    result = next(iter(results))
    units = result.shape[1] if len(result.shape) == 2 else 1
    if judges and not any(judge in classification_loss for judge in judges):
        return True
    critic = units == 1 and any(True for _ in graph.find("leaky_relu"))
    return critic or (not judges and units <= FEW)


@fix(safe=False)
def average_first(finding: Finding) -> tuple[Edit, ...] | None:
    """Global average pooling before the flattening, and as many features as there are channels."""
    layer, flat = finding.subjects[0], finding.subjects[1]
    channels = flat.in_shape[1]
    pooled = insert_after(flat.inputs[0], module="nn.AdaptiveAvgPool2d(1)", function="F.adaptive_avg_pool2d({}, 1)")
    fewer, viewed = set_features(layer, channels), set_features(flat, channels)
    if pooled is None or fewer is None or viewed is None or len(map_size(flat.in_shape)) != 2:
        return None
    return (*pooled, *fewer, *viewed)

"""A convolution looks around where everything has been seen already.

Each 3x3 convolution widens the window of the image that one element of its map rests on. Once that window is larger
than the image, on every path to the layer, looking at neighbours adds nothing: each of them has seen the whole image
too. Such layers cost parameters and time and do not make the result better; a network has them when it is deeper, or
makes its maps smaller sooner, than its images are large.

What to do: leave those layers out, or leave out a down-sampling before them, so that what they look at grows; or give
the network larger images.

What it costs: nothing; the finding says how many layers and parameters are concerned.

What is known today: Richter et al. 2021 (Should You Go Deeper? Optimizing Convolutional Neural Network Architectures
without Training by Receptive Field Analysis, arXiv:2106.12307) predict unproductive layers by this very condition, on
the path that sees least, and mend VGG and ResNet for small images with it; probes after each layer confirm them.

Quiet when: some path to the layer has seen less than the image (residual connections count); the convolution is 1x1;
the map was averaged to one pixel before (squeeze-and-excitation); the network attends, decodes, or is no image
classifier; nobody says how large the images are (nnlint chose the size itself).
"""

from collections.abc import Iterator

import torch
from torch import nn

from nnlint.algorithms import receptive_field
from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.maps import has_attention, has_own_weight, is_decoder, last_map, map_size
from nnlint.rule import bad, good, graph_rule


def vgg(stages: int, *, blocks: int = 2) -> nn.Module:
    """Stages of two convolutions and a pooling, and a head."""
    layers: list[nn.Module] = []
    for i in range(stages * blocks):
        layers += [nn.Conv2d(32 if i else 3, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(inplace=True)]
        layers += [nn.MaxPool2d(2)] if i % blocks == blocks - 1 and i < stages * blocks - 1 else []
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


@bad(input="3x32x32")
def five_stages_for_a_small_image() -> nn.Module:
    return vgg(5)


@bad(input="3x28x28")
def large_stem() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 16, 7, stride=4, padding=3)
            self.one, self.two = nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.Conv2d(32, 32, 3, padding=1)
            self.three, self.score = nn.Conv2d(32, 32, 3, padding=1), nn.Linear(32, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = torch.relu(self.one(torch.relu(self.stem(x))))
            x = torch.relu(self.three(torch.relu(self.two(x))))
            scores: torch.Tensor = self.score(x.mean((2, 3)))
            return scores

    return Net()


@good(input="3x32x32")
def three_stages() -> nn.Module:
    return vgg(3)


@good(input="3x32x32")
def residual_path_sees_less() -> nn.Module:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(32, 32, 3, padding=1, bias=False),
                nn.BatchNorm2d(32),
                nn.ReLU(inplace=True),
                nn.Conv2d(32, 32, 3, padding=1, bias=False),
                nn.BatchNorm2d(32),
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu_(x + self.body(x))

    stem = [nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(inplace=True)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)]
    return nn.Sequential(*stem, *[Block() for _ in range(12)], *head)


@good(input="3x32x32")
def one_by_one() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 32, stride=32),
        nn.Conv2d(32, 64, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(64, 10, 1),
        nn.Flatten(),
    )


@good(input="3x32x32")
def gates_of_the_whole_image() -> nn.Module:
    class SqueezeAndExcitation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.last = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 32, 3, stride=2, padding=1)
            self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(32, 32, 1), nn.Sigmoid())
            self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = torch.relu_(self.stem(x))
            scores: torch.Tensor = self.head(torch.relu_(self.last(x * self.gate(x))))
            return scores

    return SqueezeAndExcitation()


@graph_rule(category="convolution", level="info", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    """The convolutions that only read what has seen the whole image, on every path."""
    convs = [op for op in graph.find("conv2d") if max(op.hyper.kernel or (1,)) > 1 and has_own_weight(op)]
    end = last_map(graph) if convs and not graph.guessed and len(graph.inputs) == 1 else None
    if end is None or is_decoder(graph) or has_attention(graph):
        return
    image = map_size(graph.inputs[0].shape)
    idle = [conv for conv in unproductive(graph, convs, image) if max(map_size(conv.in_shape)) > 1]
    if idle:
        params = sum(param.numel for conv in idle for param in conv.params)
        several = f"it and {len(idle) - 1} more" if len(idle) > 1 else "it"
        yield idle[0].finding(
            f"every window {idle[0]} reads covers the whole {'x'.join(map(str, image))} image already: {several} "
            f"({params:,} parameters) can add no context; leave them out, or a down-sampling before",
            *idle[1:],
            convolutions=len(idle),
            params=params,
        )


def unproductive(graph: Graph, convs: list[Op], image: tuple[int, ...]) -> Iterator[Op]:
    """The convolutions whose input has a receptive field larger than the image, even on the path that sees least."""
    fields = receptive_field(graph)
    for conv in convs:
        field = fields.get(conv.inputs[0]) if conv.inputs else None
        if field is None or len(field.smallest) != len(image):
            continue
        if all(seen > size for seen, size in zip(field.smallest, image, strict=True)):
            yield conv

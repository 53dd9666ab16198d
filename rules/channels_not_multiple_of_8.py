"""An inner width is no multiple of 8, the size that tensor cores compute in.

The tensor cores of a GPU multiply in half precision by tiles. A width that does not fill them is padded, or takes a
slower way: 100 channels take the time of 104 at best.

The tip: train on a CUDA GPU with cuDNN. Which widths suit it was no question in 2016, before there were tensor cores.

What to do: take the next multiple of 8 (of 64 for large layers). It fills the tiles that are computed anyway.

What it costs: the parameters of the added channels, 8 % more in and out for 104 instead of 100.

What is known today: by NVIDIA's guides to deep learning performance, cuBLAS from 11.0 and cuDNN from 7.6.3 run other
sizes on tensor cores too, but most efficiently at multiples of 16 bytes, which is 8 numbers of 16 bits (128 bytes, 64
numbers, on an A100). It matters only in half precision on a large network, so the rule is off unless it is selected.

Quiet when: the width is that of the input or of the output (classes, colours); it is below 8; the convolution is
grouped or depthwise.
"""

from collections.abc import Iterator

from torch import nn

from nnlint.finding import Finding
from nnlint.graph import Graph
from nnlint.kinds import convolution, linear, weighted
from nnlint.rule import bad, good, graph_rule

_MULTIPLE = 8


@bad(input="3x32x32")
def a_hundred_channels() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 30, 3, padding=1, bias=False),
        nn.BatchNorm2d(30),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(30, 100, 3, padding=1, bias=False),
        nn.BatchNorm2d(100),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(100, 10),
    )


@bad(input="16")
def a_width_of_fifty() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 50), nn.ReLU(inplace=True), nn.Linear(50, 2))


@bad(input="3x32x32")
def a_one_by_one_convolution() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 36, 1, bias=False),
        nn.BatchNorm2d(36),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(36, 10),
    )


@good(input="3x32x32")
def multiples() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 64, 3, padding=1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


@good(input="3x32x32")
def classes_and_colours() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 13),
    )


@good(input="12x32x32")
def depthwise() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(12, 12, 3, padding=1, groups=12, bias=False),
        nn.BatchNorm2d(12),
        nn.ReLU(inplace=True),
        nn.Conv2d(12, 32, 1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


@good(input="3x32x32")
def below_eight() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


@graph_rule(category="cuda", level="info", since="0.1", default=False, tips=("gpu-and-cudnn",))
def check(graph: Graph) -> Iterator[Finding]:
    """Looks at the output widths of all dense layers whose result another layer with weights reads."""
    last = set(graph.output.back(past=~weighted))
    for op in graph.find(convolution | linear):
        width = op.hyper.out_channels
        if width is None or width < _MULTIPLE or width % _MULTIPLE == 0 or (op.hyper.groups or 1) > 1 or op in last:
            continue
        fits = -(-width // _MULTIPLE) * _MULTIPLE
        yield op.finding(
            f"{op} has {width} output channels, and tensor cores compute in multiples of 8: take {fits}",
            channels=width,
            fits=fits,
        )

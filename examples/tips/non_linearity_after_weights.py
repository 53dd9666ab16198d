"""Non-linearity: after every convolution, against after every second one.

Held equal: layers, channels, parameters, norms, computation but for the activations.
Different: two convolutions with nothing but a norm between them are one larger convolution with more parameters.
"""

from torch import nn


class Following(nn.Sequential):
    """Every convolution has its activation."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(
            *weighted(channels, 12),
            nn.ReLU(inplace=True),
            *weighted(12, 12),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            *weighted(12, 24),
            nn.ReLU(inplace=True),
            *weighted(24, 24),
            nn.ReLU(inplace=True),
            *head(classes),
        )


class Departing(nn.Sequential):
    """The first convolution of each pair has none."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(
            *weighted(channels, 12),
            *weighted(12, 12),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            *weighted(12, 24),
            *weighted(24, 24),
            nn.ReLU(inplace=True),
            *head(classes),
        )


def weighted(inputs: int, outputs: int) -> list[nn.Module]:
    """A convolution and its norm."""
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)]


def head(classes: int) -> list[nn.Module]:
    """Maps to scores."""
    return [nn.Conv2d(24, classes, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]

"""Batch norm: six convolutions with it against six without.

Held equal: layers, channels, activations; the parameters to within 1 % (two a channel against a bias).
Different: the norm, which costs time.
"""

from torch import nn


class Following(nn.Sequential):
    """Batch norm after every convolution."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(classes, channels, norm=True))


class Departing(nn.Sequential):
    """No norm."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(classes, channels, norm=False))


def body(classes: int, channels: int, norm: bool) -> list[nn.Module]:
    """All of the network."""
    layers: list[nn.Module] = []
    for width in (12, 24):
        for inputs in (channels, width, width):
            layers.append(nn.Conv2d(inputs, width, 3, padding=1, bias=not norm))
            if norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU(inplace=True))
        if width == 12:
            layers.append(nn.MaxPool2d(2))
        channels = width
    return [*layers, nn.Conv2d(24, classes, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]

"""Regularisation last: a network that has its norms and no dropout yet, against one with dropout in place of norms.

Held equal: convolutions, channels, pooling; the parameters to within 1 %.
Different: batch norm after each convolution, or dropout of 0.2 after each stage. Two networks are compared, not two
ways of working: that the rest should be settled first is not tried, and what is seen may be all the norms'
(`batch_norm.py`).
"""

from torch import nn


class Following(nn.Sequential):
    """Norms, no dropout."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(classes, channels, norm=True))


class Departing(nn.Sequential):
    """Dropout, no norms."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(classes, channels, norm=False))


def body(classes: int, channels: int, norm: bool) -> list[nn.Module]:
    """All of the network."""
    layers: list[nn.Module] = []
    for width in (12, 24):
        for inputs in (channels, width):
            if norm:
                layers += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)]
                layers += [nn.ReLU(inplace=True)]
            else:
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU(inplace=True)]
        if width == 12:
            layers.append(nn.MaxPool2d(2))
        if not norm:
            layers.append(nn.Dropout(0.2))
        channels = width
    return [*layers, nn.Conv2d(24, classes, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]

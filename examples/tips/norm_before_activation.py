"""Order: batch norm before the non-linearity against after it.

Held equal: layers, channels, parameters, computation.
Different: the order of norm and ReLU alone.
"""

from torch import nn


class Following(nn.Sequential):
    """Convolution, norm, ReLU."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(classes, channels, before=True))


class Departing(nn.Sequential):
    """Convolution, ReLU, norm."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(classes, channels, before=False))


def body(classes: int, channels: int, before: bool) -> list[nn.Module]:
    """All of the network."""
    layers: list[nn.Module] = []
    for width in (12, 24):
        for inputs in (channels, width):
            layers.append(nn.Conv2d(inputs, width, 3, padding=1, bias=False))
            norm, relu = nn.BatchNorm2d(width), nn.ReLU(inplace=True)
            layers += [norm, relu] if before else [relu, norm]
        if width == 12:
            layers.append(nn.MaxPool2d(2))
        channels = width
    return [*layers, nn.Conv2d(24, classes, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]

"""Dropout beside batch norm: after it and the activation, against right before it.

Held equal: layers, channels, parameters, the rate (0.5), computation.
Different: in the last block, on which side of the norm dropout stands. Before it, the variance that the norm
learns in training is not the one it meets in evaluation (Li et al. 2019, arXiv:1801.05134). On which side of a ReLU it
stands is not tried: dropout sets to zero or multiplies by a positive number, and with either order that is the same.
"""

from torch import nn


class Following(nn.Sequential):
    """Convolution, norm, ReLU, dropout."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(
            *body(channels),
            nn.Conv2d(24, 24, 3, padding=1, bias=False),
            nn.BatchNorm2d(24),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            *head(classes),
        )


class Departing(nn.Sequential):
    """Convolution, dropout, norm, ReLU."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(
            *body(channels),
            nn.Conv2d(24, 24, 3, padding=1, bias=False),
            nn.Dropout(0.5),
            nn.BatchNorm2d(24),
            nn.ReLU(inplace=True),
            *head(classes),
        )


def body(channels: int) -> list[nn.Module]:
    """The blocks that both have."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((channels, 12), (12, 24)):
        layers += [
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    return [*layers, nn.MaxPool2d(2)]


def head(classes: int) -> list[nn.Module]:
    """Maps to scores."""
    return [nn.Conv2d(24, classes, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]

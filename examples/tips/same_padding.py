"""Padding: 3x3 convolutions that keep the size of the map against ones that lose its border.

Held equal: layers, channels, parameters, pooling, head.
Different: the padding, and with it the size of the maps (16, 8 against 14, 12, 6, 4, 2) and the computation. What is
averaged at the end are 8x8 numbers against 2x2: without padding the maps get smaller as by pooling, and in so small a
network that may be worth more than the border is (see `max_pool_or_stride.py`).
"""

from torch import nn


class Following(nn.Sequential):
    """Every convolution is padded by 1."""

    def __init__(self, classes: int = 10, channels: int = 1, padding: int = 1) -> None:
        super().__init__(
            *block(channels, 8, padding),
            *block(8, 8, padding),
            nn.MaxPool2d(2),
            *block(8, 16, padding),
            *block(16, 16, padding),
            nn.Conv2d(16, classes, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )


class Departing(Following):
    """None is padded."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(classes, channels, padding=0)


def block(inputs: int, outputs: int, padding: int) -> list[nn.Module]:
    """A convolution with norm and activation."""
    return [
        nn.Conv2d(inputs, outputs, 3, padding=padding, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]

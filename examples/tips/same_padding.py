"""Padding: 3x3 convolutions that keep the size of the map against ones that lose its border.

Held equal: layers, channels, parameters, and in the first comparison the last map: both end in 2x2, the padded network
by pooling, the other by what its convolutions lose.
Different: the padding, and with it the size of the maps (16, 8 against 14, 12, 6, 4, 2) and the computation. In the
second comparison nothing else is different, so that 8x8 numbers are averaged at the end against 2x2: maps that get
smaller are worth something by themselves (see `max_pool_or_stride.py`).
"""

from torch import nn


class Following(nn.Sequential):
    """Every convolution is padded by 1."""

    def __init__(self, classes: int = 10, channels: int = 1, padding: int = 1, last_pool: int = 1) -> None:
        super().__init__(
            *block(channels, 8, padding),
            *block(8, 8, padding),
            nn.MaxPool2d(2),
            *block(8, 16, padding),
            *block(16, 16, padding),
            *([nn.MaxPool2d(last_pool)] if last_pool > 1 else []),
            nn.Conv2d(16, classes, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )


class FollowingPooled(Following):
    """Every convolution is padded by 1, and the last map pooled from 8x8 to 2x2."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(classes, channels, last_pool=4)


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

"""Channels: more of them as the maps get smaller, against fewer, and against as many everywhere.

Held equal: layers, pooling, and the parameters to within 1 % (6,274; 6,250 and 6,292).
Different: the channels of each stage, and with them the computation: large maps with many channels cost more.
"""

from torch import nn


class Following(nn.Sequential):
    """8, 16 and 32 channels."""

    def __init__(self, classes: int = 10, channels: int = 1, widths: tuple[int, int, int] = (8, 16, 32)) -> None:
        first, second, third = widths
        super().__init__(
            *block(channels, first),
            nn.MaxPool2d(2),
            *block(first, second),
            nn.MaxPool2d(2),
            *block(second, third),
            nn.Conv2d(third, classes, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )


class Departing(Following):
    """32, 16 and 8 channels."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(classes, channels, widths=(32, 16, 8))


class DepartingConstant(Following):
    """18 channels everywhere."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(classes, channels, widths=(18, 18, 18))


def block(inputs: int, outputs: int) -> list[nn.Module]:
    """A convolution with norm and activation."""
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]

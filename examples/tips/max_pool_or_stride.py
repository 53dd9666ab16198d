"""Smaller maps: by max pooling, by the stride of a convolution, by average pooling, or not at all.

Held equal: layers, channels, parameters, head.
Different: how the map becomes smaller. The stride saves computation (the convolution that has it gives a quarter of the
numbers), no downsampling costs it.
"""

from torch import nn


class Following(nn.Sequential):
    """Max pooling after the second convolution."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(channels, classes, nn.MaxPool2d(2)))


class FollowingStride(nn.Sequential):
    """The second convolution has a stride of 2."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(channels, classes, nn.Identity(), stride=2))


class DepartingAverage(nn.Sequential):
    """Average pooling after the second convolution."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(channels, classes, nn.AvgPool2d(2)))


class Departing(nn.Sequential):
    """The maps keep their size to the end."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(channels, classes, nn.Identity()))


def body(channels: int, classes: int, smaller: nn.Module, stride: int = 1) -> list[nn.Module]:
    """All of the network."""
    return [
        *block(channels, 12),
        *block(12, 12, stride),
        smaller,
        *block(12, 24),
        *block(24, 24),
        nn.Conv2d(24, classes, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    ]


def block(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
    """A convolution with norm and activation."""
    return [
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]

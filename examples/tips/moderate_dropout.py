"""Dropout rates: 0.2 and 0.5 against 0.9, and 0.2 against none.

Held equal: layers, channels, parameters, computation.
Different: the rate. It stands behind the last norm and its activation.
"""

from torch import nn


class Following(nn.Sequential):
    """Weak: 0.2."""

    def __init__(self, classes: int = 10, channels: int = 1, rate: float = 0.2) -> None:
        super().__init__(
            *block(channels, 16),
            *block(16, 16),
            nn.MaxPool2d(2),
            *block(16, 32),
            *block(32, 32),
            nn.Dropout(rate),
            nn.Conv2d(32, classes, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )


class FollowingModerate(Following):
    """Moderate: 0.5."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(classes, channels, rate=0.5)


class Departing(Following):
    """0.9."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(classes, channels, rate=0.9)


class Without(Following):
    """None."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(classes, channels, rate=0.0)


def block(inputs: int, outputs: int) -> list[nn.Module]:
    """A convolution with norm and activation."""
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]

"""Activations: ReLU against tanh, and against two of ReLU's relatives, which the tip recommends as much.

Held equal: layers, channels, parameters, norms.
Different: the function between the layers.
"""

from collections.abc import Callable

from torch import nn


def relu() -> nn.Module:
    """A new ReLU."""
    return nn.ReLU(inplace=True)


class Following(nn.Sequential):
    """ReLU."""

    def __init__(self, classes: int = 10, channels: int = 1, activation: Callable[[], nn.Module] = relu) -> None:
        super().__init__(
            *block(channels, 12, activation),
            *block(12, 12, activation),
            nn.MaxPool2d(2),
            *block(12, 24, activation),
            *block(24, 24, activation),
            nn.Conv2d(24, classes, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )


class FollowingLeaky(Following):
    """Leaky ReLU."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(classes, channels, lambda: nn.LeakyReLU(inplace=True))


class FollowingGelu(Following):
    """GELU."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(classes, channels, nn.GELU)


class Departing(Following):
    """Tanh, which saturates."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(classes, channels, nn.Tanh)


def block(inputs: int, outputs: int, activation: Callable[[], nn.Module]) -> list[nn.Module]:
    """A convolution with norm and activation."""
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), activation()]

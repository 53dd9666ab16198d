"""Sigmoid and tanh between layers: against ReLU, with batch norm and without.

Held equal: layers, channels, parameters.
Different: the function between the layers. It is tried with norms, which keep the numbers where a sigmoid is steep, and
without. First weights are torch's, the same for all: they are small for ReLU, which lets half of the mean square pass
that a steep tanh does, so that without norms its numbers fade from layer to layer. With larger ones it may do better.
"""

from collections.abc import Callable

from torch import nn


def relu() -> nn.Module:
    """A new ReLU."""
    return nn.ReLU(inplace=True)


class Following(nn.Sequential):
    """ReLU, with norms."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(classes, channels, relu, norm=True))


class Departing(nn.Sequential):
    """Sigmoid, with norms."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(classes, channels, nn.Sigmoid, norm=True))


class FollowingPlain(nn.Sequential):
    """ReLU, without norms."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(classes, channels, relu, norm=False))


class DepartingPlain(nn.Sequential):
    """Sigmoid, without norms."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(classes, channels, nn.Sigmoid, norm=False))


class DepartingPlainTanh(nn.Sequential):
    """Tanh, without norms."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(classes, channels, nn.Tanh, norm=False))


def body(classes: int, channels: int, activation: Callable[[], nn.Module], norm: bool) -> list[nn.Module]:
    """All of the network."""
    layers: list[nn.Module] = []
    for width in (12, 24):
        for inputs in (channels, width):
            layers.append(nn.Conv2d(inputs, width, 3, padding=1, bias=not norm))
            if norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(activation())
        if width == 12:
            layers.append(nn.MaxPool2d(2))
        channels = width
    return [*layers, nn.Conv2d(24, classes, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]

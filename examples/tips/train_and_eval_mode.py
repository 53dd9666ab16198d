"""Evaluation mode: a network that is switched to it to be judged, against one that stays in training mode.

Held equal: the network and its training (to the bit, where there is no dropout that draws other numbers).
Different: when it is judged, batch norm goes by the batch it is given and not by what it has learnt, and dropout drops.
The trainer judges all test samples in one large batch, which is kind to batch norm in training mode.
"""

from typing import Self

from torch import nn


class Following(nn.Sequential):
    """With batch norm."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(classes, channels))


class Departing(Following):
    """With batch norm, and never in evaluation mode."""

    def train(self, mode: bool = True) -> Self:
        """Stays in training mode, as a network does whose training forgets `eval()`."""
        return super().train(mode or True)


class FollowingDropout(nn.Sequential):
    """With batch norm, and dropout after it."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(classes, channels, nn.Dropout(0.5)))


class DepartingDropout(FollowingDropout):
    """With dropout, and never in evaluation mode."""

    def train(self, mode: bool = True) -> Self:
        """Stays in training mode."""
        return super().train(mode or True)


def body(classes: int, channels: int, *dropout: nn.Module) -> list[nn.Module]:
    """All of the network; dropout stands before its last layer."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((channels, 12), (12, 24), (24, 24)):
        layers += [
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    head = [*dropout, nn.Conv2d(24, classes, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return [*layers[:3], nn.MaxPool2d(2), *layers[3:], *head]

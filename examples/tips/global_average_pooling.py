"""Global average pooling: a 1x1 convolution and pooling against two fully connected layers.

Held equal: the convolutions before the head; in the second comparison the parameters instead, to within 3 %: what the
dense layers have, the convolutions get, and with it one convolution more and several times the computation.
Different: the head: 330 parameters against 67,000.
"""

from torch import nn


class Following(nn.Sequential):
    """A map a class, and its mean is the score."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*features(channels), nn.Conv2d(32, classes, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


class FollowingAsLarge(nn.Sequential):
    """As many parameters as the dense layers have, in convolutions."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(
            *block(channels, 16),
            *block(16, 16),
            nn.MaxPool2d(2),
            *block(16, 80),
            *block(80, 80),
            nn.Conv2d(80, classes, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )


class Departing(nn.Sequential):
    """The maps as one long vector, and dense layers."""

    def __init__(self, classes: int = 10, channels: int = 1, resolution: int = 8) -> None:
        side = resolution // 2
        super().__init__(
            *features(channels),
            nn.Flatten(),
            nn.Linear(32 * side * side, 128),
            nn.ReLU(inplace=True),
            nn.Linear(128, classes),
        )


def features(channels: int) -> list[nn.Module]:
    """The convolutions that both have."""
    return [*block(channels, 16), *block(16, 16), nn.MaxPool2d(2), *block(16, 32)]


def block(inputs: int, outputs: int) -> list[nn.Module]:
    """A convolution with norm and activation."""
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]

"""Small kernels: stacks of 3x3 convolutions against one large convolution that sees as much.

Held equal: the receptive field of each stage (two 3x3 see 5x5, three see 7x7), the channels, the pooling, the head.
Different: depth, and with it the parameters (18 against 25, 27 against 49 a pair of channels) and the computation.
A stage that starts from one grey channel has more of both as a stack: only its first convolution is that cheap.
"""

from torch import nn


def stage(inputs: int, outputs: int, kernel: int, depth: int) -> list[nn.Module]:
    """Convolutions of one size, which keep the map's size, each with norm and activation."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [
            nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
        inputs = outputs
    return layers


class Following(nn.Sequential):
    """Two 3x3 convolutions a stage."""

    def __init__(self, classes: int = 10, channels: int = 1, kernel: int = 3, depth: int = 2) -> None:
        super().__init__(
            *stage(channels, 8, kernel, depth),
            nn.MaxPool2d(2),
            *stage(8, 16, kernel, depth),
            nn.Conv2d(16, classes, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )


class Departing(Following):
    """One 5x5 convolution a stage."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(classes, channels, kernel=5, depth=1)


class FollowingDeeper(Following):
    """Three 3x3 convolutions a stage."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(classes, channels, kernel=3, depth=3)


class DepartingFurther(Following):
    """One 7x7 convolution a stage."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(classes, channels, kernel=7, depth=1)

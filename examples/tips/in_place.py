"""In place: activations that overwrite their input against ones that make a new tensor.

Held equal: everything that is computed, so that every loss must be the same number.
Different: the memory. What is kept for the backward pass is the same either way: of ReLU it needs the result alone, and
its input is let go. So what can be saved is one map while ReLU runs, and it is saved where no other moment needs as
much: a norm makes a new map too. Both cases are tried.
"""

from torch import nn


class Following(nn.Sequential):
    """The activations overwrite."""

    def __init__(self, classes: int = 10, channels: int = 1, inplace: bool = True) -> None:
        super().__init__(
            *block(channels, 12, inplace),
            *block(12, 12, inplace),
            nn.MaxPool2d(2),
            *block(12, 24, inplace),
            *block(24, 24, inplace),
            nn.Conv2d(24, classes, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )


class Departing(Following):
    """The activations make new tensors."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(classes, channels, inplace=False)


class FollowingWide(nn.Sequential):
    """Without norms, widest at its first activation, which overwrites."""

    def __init__(self, classes: int = 10, channels: int = 1, inplace: bool = True) -> None:
        super().__init__(
            nn.Conv2d(channels, 32, 3, padding=1),
            nn.ReLU(inplace),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(inplace),
            nn.Conv2d(32, classes, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )


class DepartingWide(FollowingWide):
    """The same, and the activations make new tensors."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(classes, channels, inplace=False)


def block(inputs: int, outputs: int, inplace: bool) -> list[nn.Module]:
    """A convolution with norm and activation."""
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace)]

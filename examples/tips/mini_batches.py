"""Mini-batches: 64 samples a step against all at once, and against one at a time.

Held equal: the network (without batch norm, which one sample would change into something else), the epochs, so the
samples seen and their computation; the learning rate.
Different: the steps: 64 samples make five an epoch, all make one, one makes three hundred.
"""

from torch import nn


class Net(nn.Sequential):
    """Three convolutions without norms."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(
            *block(channels, 8),
            nn.MaxPool2d(2),
            *block(8, 16),
            *block(16, 16),
            nn.Conv2d(16, classes, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )


def block(inputs: int, outputs: int) -> list[nn.Module]:
    """A convolution with its activation."""
    return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]

"""Preprocessing: images unpacked, enlarged and normalised once, before training, against anew in every epoch.

Held equal: every number that the network is given, so that every loss must be the same; the network, the order; the
loader, which hands samples out one by one in both.
Different: the work of each epoch. (`nnlint prepare` does it once for folders of image files.)
"""

from torch import nn


class Net(nn.Sequential):
    """A small network: the smaller it is, the more of an epoch goes into its data."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(
            *block(channels, 8),
            nn.MaxPool2d(2),
            *block(8, 16),
            nn.Conv2d(16, classes, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )


def block(inputs: int, outputs: int) -> list[nn.Module]:
    """A convolution with norm and activation."""
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]

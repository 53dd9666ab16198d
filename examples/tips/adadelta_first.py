"""ADADELTA as it comes, against other optimisers as they come, on three architectures.

Held equal: the network, the samples, the steps; nothing is tuned. ADADELTA, SGD and Adam keep one learning rate; the
last comparison is against the trainer's own recipe, AdamW with warm-up and one cycle.
Different: the optimiser and its learning rate. Counted is where ADADELTA is better. "Needs no tuning" says less: that
on each architecture it is near the best, which the effects tell.
"""

from torch import nn


class Normalised(nn.Sequential):
    """Four convolutions with batch norm."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(classes, channels, norm=True))


class Plain(nn.Sequential):
    """Four convolutions without norm."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*body(classes, channels, norm=False))


class Dense(nn.Sequential):
    """Three dense layers."""

    def __init__(self, classes: int = 10, channels: int = 1, resolution: int = 8) -> None:
        super().__init__(
            nn.Flatten(),
            nn.Linear(channels * resolution * resolution, 64),
            nn.ReLU(inplace=True),
            nn.Linear(64, 64),
            nn.ReLU(inplace=True),
            nn.Linear(64, classes),
        )


def body(classes: int, channels: int, norm: bool) -> list[nn.Module]:
    """Images to scores."""
    layers: list[nn.Module] = []
    for width in (12, 24):
        for inputs in (channels, width):
            layers.append(nn.Conv2d(inputs, width, 3, padding=1, bias=not norm))
            if norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU(inplace=True))
        if width == 12:
            layers.append(nn.MaxPool2d(2))
        channels = width
    return [*layers, nn.Conv2d(24, classes, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]

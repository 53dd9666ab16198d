"""Cross-entropy on raw scores, against a softmax before it, and a log-softmax before it.

Held equal: layers, parameters, the loss.
Different: the last function. The log-softmax of a log-softmax is the same again, so that one costs time and nothing
else; a softmax squeezes the scores into 0 to 1, and cross-entropy of those cannot fall to zero.
"""

from torch import nn


class Following(nn.Sequential):
    """Raw scores."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*convolutions(classes, channels))


class Departing(nn.Sequential):
    """Probabilities."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*convolutions(classes, channels), nn.Softmax(dim=1))


class DepartingLog(nn.Sequential):
    """Logarithms of probabilities."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*convolutions(classes, channels), nn.LogSoftmax(dim=1))


def convolutions(classes: int, channels: int) -> list[nn.Module]:
    """Images to scores."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((channels, 12), (12, 24), (24, 24)):
        layers += [
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    return [*layers[:3], nn.MaxPool2d(2), *layers[3:], nn.Conv2d(24, classes, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]

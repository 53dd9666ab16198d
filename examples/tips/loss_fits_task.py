"""The loss of a task, against squared error for classes and for yes or no, and absolute error for numbers.

Held equal: layers and parameters; the networks differ by the softmax or sigmoid that squared error needs.
Different: the loss. Digits are judged by accuracy, tumours by accuracy, the progress of diabetes by R2, which is itself
a squared error and can only favour it. The squared error of classes is summed over them: with their mean, which is
torch's, SGD would learn ten times as slowly at the same rate.
"""

from torch import nn


class Following(nn.Sequential):
    """Scores of ten classes, for cross-entropy."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*convolutions(classes, channels))


class Departing(nn.Sequential):
    """Probabilities of ten classes, for squared error."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(*convolutions(classes, channels), nn.Softmax(dim=1))


class FollowingBinary(nn.Sequential):
    """One score for yes or no, for binary cross-entropy with logits."""

    def __init__(self, features: int = 30) -> None:
        super().__init__(*dense(features))


class DepartingBinary(nn.Sequential):
    """One probability, for squared error."""

    def __init__(self, features: int = 30) -> None:
        super().__init__(*dense(features), nn.Sigmoid())


class Numbers(nn.Sequential):
    """One number, for squared error or for absolute error."""

    def __init__(self, features: int = 10) -> None:
        super().__init__(*dense(features))


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


def dense(features: int) -> list[nn.Module]:
    """Measurements to one score."""
    return [
        nn.Linear(features, 32),
        nn.ReLU(inplace=True),
        nn.Linear(32, 16),
        nn.ReLU(inplace=True),
        nn.Linear(16, 1),
    ]

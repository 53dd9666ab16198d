"""Batches for batch norm: statistics of 64 samples against 16 and 4, alone and with all that small batches change.

Held equal: the network; in the first two comparisons also the batches of 64 that each step of the optimiser sees, and
so the steps and the learning rate: only the norms look at parts of the batch. In the third the batches themselves have
4 samples: sixteen times as many steps at the same learning rate.
Different: how many samples the mean and variance are taken of. More than 64 are not tried.
"""

import torch
from torch import nn


class NormOfParts(nn.BatchNorm2d):
    """Batch norm that sees so many samples of a batch at a time (Hoffer et al. 2017, arXiv:1705.08741)."""

    def __init__(self, features: int, part: int) -> None:
        super().__init__(features)
        self.part = part

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Each part by its own mean and variance in training; the running ones in evaluation."""
        if not self.training:
            return super().forward(x)
        return torch.cat([super(NormOfParts, self).forward(part) for part in x.split(self.part)])


class Following(nn.Sequential):
    """The norms see the whole batch."""

    def __init__(self, classes: int = 10, channels: int = 1, part: int | None = None) -> None:
        super().__init__(
            *block(channels, 12, part),
            *block(12, 12, part),
            nn.MaxPool2d(2),
            *block(12, 24, part),
            *block(24, 24, part),
            nn.Conv2d(24, classes, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )


class FollowingSixteen(Following):
    """The norms see 16 samples at a time."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(classes, channels, part=16)


class Departing(Following):
    """The norms see 4 samples at a time."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__(classes, channels, part=4)


def block(inputs: int, outputs: int, part: int | None) -> list[nn.Module]:
    """A convolution with norm and activation."""
    return [
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs) if part is None else NormOfParts(outputs, part),
        nn.ReLU(inplace=True),
    ]

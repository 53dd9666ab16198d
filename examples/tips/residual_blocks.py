"""Residual blocks: twenty-one convolutions in a row against the same with skip connections, activation first or last.

Held equal: layers, channels, parameters (in the second comparison but for 12), norms and activations, computation but
for the additions.
Different: in the first comparison, whether the input of each pair of convolutions is added to its output, and nothing
else; in the second, both of residual blocks, where norm and activation stand (with the activation first there is one
norm more at the end, and one fewer at the start, where a bias takes its place).
"""

import torch
from torch import nn

DEPTH, WIDTH = 10, 12


class Following(nn.Module):
    """Residual blocks, norm and activation before each convolution: the sum itself passes unchanged."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(channels, WIDTH, 3, padding=1), nn.MaxPool2d(2))
        self.blocks = nn.ModuleList(nn.Sequential(*before(), *before()) for _ in range(DEPTH))
        self.head = nn.Sequential(nn.BatchNorm2d(WIDTH), nn.ReLU(inplace=True), *head(classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of shape (N, classes)."""
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)


class Residual(nn.Module):
    """Residual blocks as they were first: the activation follows the sum."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__()
        self.stem = nn.Sequential(*after(channels), nn.ReLU(inplace=True), nn.MaxPool2d(2))
        self.blocks = nn.ModuleList(
            nn.Sequential(*after(WIDTH), nn.ReLU(inplace=True), *after(WIDTH)) for _ in range(DEPTH)
        )
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Sequential(*head(classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of shape (N, classes)."""
        x = self.stem(x)
        for block in self.blocks:
            x = self.relu(x + block(x))
        return self.head(x)


class Departing(Residual):
    """No residual blocks: all convolutions in one row."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of shape (N, classes)."""
        x = self.stem(x)
        for block in self.blocks:
            x = self.relu(block(x))
        return self.head(x)


def before() -> list[nn.Module]:
    """Norm and activation, then the convolution."""
    return [
        nn.BatchNorm2d(WIDTH),
        nn.ReLU(inplace=True),
        nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False),
    ]


def after(inputs: int) -> list[nn.Module]:
    """The convolution, then the norm."""
    return [nn.Conv2d(inputs, WIDTH, 3, padding=1, bias=False), nn.BatchNorm2d(WIDTH)]


def head(classes: int) -> list[nn.Module]:
    """Maps to scores."""
    return [nn.Conv2d(WIDTH, classes, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]

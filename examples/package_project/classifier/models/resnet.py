"""A small residual network."""

import torch
from torch import nn

from ..config import ModelConfig
from .blocks import ResidualBlock


class ResNet(nn.Module):
    """Stages of residual blocks; every stage after the first halves the resolution."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.widths[0]
        self.stem = nn.Sequential(
            nn.Conv2d(config.channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        stages: list[nn.Module] = []
        for i, outputs in enumerate(config.widths):
            for j in range(config.blocks):
                stride = 2 if i > 0 and j == 0 else 1
                stages.append(ResidualBlock(width, outputs, stride, config.dropout))
                width = outputs
        self.stages = nn.Sequential(*stages)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, config.classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores of shape (N, classes)."""
        return self.head(self.stages(self.stem(images)))


def build_model(config: ModelConfig) -> ResNet:
    """The network of a configuration."""
    return ResNet(config)

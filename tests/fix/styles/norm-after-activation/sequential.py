import torch
from torch import nn

# nnlint: input=3x32x32
net = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1, bias=False),
    nn.ReLU(),           # rectified
    nn.BatchNorm2d(16),  # then normalised
    nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.ReLU(), nn.BatchNorm2d(32),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
)

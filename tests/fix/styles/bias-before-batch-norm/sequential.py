import torch
from torch import nn

# nnlint: input=3x32x32
net = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1),  # its bias is taken out again
    nn.BatchNorm2d(16), nn.ReLU(inplace=True),
    nn.Conv2d(16, 32, 3, 1, 1, 1, 1, True),  # all of them positional
    nn.BatchNorm2d(32), nn.ReLU(inplace=True),
    nn.Conv2d(
        32,
        32,
        kernel_size=3,
        padding=1,  # same size
    ),
    nn.BatchNorm2d(32),
    nn.ReLU(inplace=True),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(32, 64, True), nn.BatchNorm1d(64), nn.ReLU(inplace=True), nn.Linear(64, 10))

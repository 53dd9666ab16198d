import torch
from torch import nn

# nnlint: input=3x32x32
net = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(inplace=True),
    nn.AvgPool2d(2, stride=2),  # 16x16
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(inplace=True), nn.AvgPool2d( 2 ),  # 8x8
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))

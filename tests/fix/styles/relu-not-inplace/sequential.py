import torch
from torch import nn

# nnlint: input=3x32x32
net = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1),
    nn.ReLU(),  # rectified
    nn.Conv2d(16, 16, 3, padding=1), nn.ReLU( inplace = False, ),
    nn.Conv2d(16, 16, 3, padding=1),
    nn.ReLU(False),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
)

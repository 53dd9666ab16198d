import torch
from torch import nn

# nnlint: input=3x32x32
net = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1),
    nn.LeakyReLU(0.1, inplace=True),  # the author's own
    nn.Conv2d(16, 32, 3, padding=1),  # nothing after it
    nn.Conv2d(32, 32, 3, padding=1),
    nn.LeakyReLU(0.1, inplace=True),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 32), nn.Linear(32, 10),
)

import torch
from torch import nn

# nnlint: input=3x32x32
net = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1, bias=False),
    nn.BatchNorm2d(16, 0.8),  # as in many a GAN
    nn.LeakyReLU(0.2, inplace=True),
    nn.Conv2d(16, 16, 3, padding=1, bias=False),
    nn.BatchNorm2d( 16, eps = 0.8, ),
    nn.LeakyReLU(0.2, inplace=True),
    nn.Conv2d(16, 1, 3, padding=1),
)

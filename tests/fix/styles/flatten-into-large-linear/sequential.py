import torch
from torch import nn

# nnlint: input=3x64x64
net = nn.Sequential(
    nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(4),
    nn.Flatten(),  # 64 maps of 16x16
    nn.Linear(64 * 16 * 16, 100),  # most of the weights
)

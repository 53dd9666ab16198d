import torch
from torch import nn

# nnlint: input=3x32x32
net = nn.Sequential(
    nn.Conv2d(3, 16, 3),  # 30x30
    nn.ReLU(inplace=True),
    nn.MaxPool2d(2),
    nn.Conv2d(16, 32, kernel_size=3, padding=1),
    nn.ReLU(inplace=True),
    nn.Flatten(),
    nn.Linear(32 * 15 * 15, 10),  # the scores
)

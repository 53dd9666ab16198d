import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(inplace=True))
        self.relu = nn.ReLU()  # for the block
        self.last = nn.Conv2d(16, 16, 3, padding=1)

    def forward(self, x):
        x = self.relu(self.block(x))  # never negative
        return self.last(x)


# nnlint: input=3x32x32
net = Net()

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.relu = nn.ReLU()
        self.norm = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(32)
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        x = self.conv(x)
        x = self.relu(x)  # rectified
        x = self.norm(x)  # then normalised
        x = self.norm2(self.relu(self.conv2(x)))
        return self.head(x.mean((2, 3)))


# nnlint: input=3x32x32
net = Net()

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 16, 3, padding=1)
        self.relu = nn.ReLU()     # used twice
        self.leaky = nn.LeakyReLU(
            0.1,  # slope
        )
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        x = self.relu(self.conv1(x))  # 32x32
        x = self.leaky(self.conv2(x))
        return self.head(x.mean((2, 3)))


# nnlint: input=3x32x32
net = Net()

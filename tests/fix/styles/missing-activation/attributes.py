import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(32)
        self.act = nn.ReLU(inplace=True)
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        x = self.bn1(self.conv1(x))  # normalised, no more
        x = self.conv2(x)
        x = self.act(self.bn2(x))
        return self.head(x.mean((2, 3)))


# nnlint: input=3x32x32
net = Net()

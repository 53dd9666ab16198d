import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 64, 3, padding=1)
        self.pool = nn.MaxPool2d(4)
        self.fc1 = nn.Linear(in_features=64 * 16 * 16, out_features=128)  # most of the weights
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv(x)))  # 16x16
        x = torch.flatten(x, 1)
        return self.fc2(F.relu(self.fc1(x)))


# nnlint: input=3x64x64
net = Net()

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 64, 3, padding=1)
        self.fc1 = nn.Linear(64*16*16, 128)  # most of the weights
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = F.relu(self.conv(x))
        x = F.max_pool2d(x, 4)       # 16x16
        x = x.view(-1, 64 * 16 * 16)  # flat
        return self.fc2(F.relu(self.fc1(x)))


# nnlint: input=3x64x64
net = Net()

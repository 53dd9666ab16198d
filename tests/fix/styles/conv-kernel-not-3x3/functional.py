import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(16, 3, 5, 5) * 0.1)  # 5x5
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        x = F.relu(F.conv2d(x, self.w1, padding=2))
        return self.head(x.mean((2, 3)))


# nnlint: input=3x32x32
net = Net()

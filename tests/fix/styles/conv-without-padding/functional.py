import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(16, 3, 3, 3) * 0.1)
        self.w2 = nn.Parameter(torch.randn(32, 16, 3, 3) * 0.1)
        self.head = nn.Parameter(torch.randn(10, 32) * 0.1)

    def forward(self, x):
        x = F.relu(F.conv2d(x, self.w1))  # 30x30
        x = F.max_pool2d(x, 2)
        x = F.relu(F.conv2d(x, self.w2, padding=1, ))
        return F.linear(x.mean((2, 3)), self.head)


# nnlint: input=3x32x32
net = Net()

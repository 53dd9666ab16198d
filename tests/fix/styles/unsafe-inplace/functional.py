import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
        self.third = nn.Conv2d(16, 16, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.first(x))
        x += self.second(x)  # the skip
        x = F.dropout(torch.tanh(self.third(x)), 0.5, self.training, inplace=True)
        return self.third(x).exp().clamp_(max=10)  # (N, 16, 32, 32)


# nnlint: input=3x32x32
net = Net()

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.register_buffer("mean", torch.zeros(16))
        self.register_buffer("var", torch.ones(16))
        self.head = nn.Conv2d(16, 1, 3, padding=1)

    def forward(self, x):
        x = F.batch_norm(self.conv(x), self.mean, self.var, training=self.training, eps=0.8)  # eps?
        return self.head(F.relu(x))


# nnlint: input=3x32x32
net = Net()

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.norm = nn.Linear(16, 64, bias=False), nn.BatchNorm1d(64)
        self.head = nn.Linear(64, 2)

    def forward(self, x):
        x = F.dropout(self.hidden(x), 0.3, self.training)  # weak
        x = F.relu(self.norm(x))  # 64
        return self.head(x)


# nnlint: input=16
net = Net()

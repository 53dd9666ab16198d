import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(16, 64, bias=False)
        self.drop = nn.Dropout(0.3)  # weak
        self.norm = nn.BatchNorm1d(64)
        self.head = nn.Linear(64, 2)

    def forward(self, x):
        x = self.hidden(x)
        x = self.drop(x)   # first this
        x = self.norm(x)   # then that
        x = F.relu(x)
        return self.head(x)


# nnlint: input=16
net = Net()

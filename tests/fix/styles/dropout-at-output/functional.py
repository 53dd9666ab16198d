import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.head = nn.Linear(16, 64), nn.Linear(64, 2)

    def forward(self, x):
        x = F.relu(self.hidden(x))  # 64
        return F.dropout(self.head(x), p=0.5, training=self.training)  # the scores


# nnlint: input=16
net = Net()

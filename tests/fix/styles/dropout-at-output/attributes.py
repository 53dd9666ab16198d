import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(16, 64)
        self.head = nn.Linear(64, 2)  # the scores
        # against overfitting
        self.drop = nn.Dropout(p=0.5)

    def forward(self, x):
        x = F.relu(self.hidden(x))
        x = self.head(x)
        x = self.drop(x)  # half of the scores
        return x


# nnlint: input=16
net = Net()

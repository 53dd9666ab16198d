import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.score = nn.Linear(20, 16), nn.Linear(16, 1)

    def forward(self, x):
        x = F.relu(self.hidden(x))
        return F.softmax(self.score(x), dim=1)  # always one


# nnlint: input=20
net = Net()

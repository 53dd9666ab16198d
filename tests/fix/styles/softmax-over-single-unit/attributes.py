import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 16)
        self.score = nn.Linear(16, 1)
        self.softmax = torch.nn.Softmax( dim = -1 )  # always one

    def forward(self, x):
        return self.softmax(self.score(F.relu(self.hidden(x))))


# nnlint: input=20
net = Net()

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.scores = nn.Linear(784, 64), nn.Linear(64, 10)
        self.softmax = nn.LogSoftmax(0)  # of whom?

    def forward(self, x):
        x = F.relu(self.hidden(x.flatten(1)))
        return self.softmax(self.scores(x))


# nnlint: input=1x28x28
net = Net()

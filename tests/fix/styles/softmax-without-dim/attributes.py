import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.scores = nn.Linear(784, 64), nn.Linear(64, 10)
        self.softmax = nn.LogSoftmax()  # over the classes

    def forward(self, x):
        return self.softmax(self.scores(F.relu(self.hidden(x.flatten(1)))))


# nnlint: input=1x28x28
net = Net()

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.scores = nn.Linear(784, 64), nn.Linear(64, 10)

    def forward(self, x):
        x = self.scores(F.relu(self.hidden(x.flatten(1))))
        return F.log_softmax(x)  # over the classes


# nnlint: input=1x28x28
net = Net()

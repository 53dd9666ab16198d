import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(784, 128)
        self.act = nn.Sigmoid()  # saturates
        self.head = nn.Linear(128, 10)

    def forward(self, x):
        return self.head(self.act(self.hidden(x)))


# nnlint: input=784
net = Net()

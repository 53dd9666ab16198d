import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(16, 32)
        self.tanh = nn.Tanh()
        self.drop = nn.Dropout(p=0.5, inplace=True)  # saves memory
        self.second = nn.Linear(32, 2)

    def forward(self, x):
        x = self.tanh(self.first(x))
        x = self.drop(x)  # what tanh needs is gone
        return self.second(x)


# nnlint: input=16
net = Net()

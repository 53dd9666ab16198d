import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = [nn.Linear(16, 16) for _ in range(3)]  # three of them
        self.heads = {  # by name
            "mean": nn.Linear(16, 4),
            "spread": nn.Linear(16, 4),
        }
        self.more = []
        for _ in range(2):
            self.more.append(nn.Linear(16, 16))

    def forward(self, x):
        for layer in self.hidden + self.more:
            x = torch.relu(layer(x))
        return self.heads["mean"](x), self.heads["spread"](x)


# nnlint: input=16
net = Net()

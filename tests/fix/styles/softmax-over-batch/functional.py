import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.first, self.second = nn.Linear(20, 16), nn.Linear(16, 10), nn.Linear(16, 5)
        self.third = nn.Linear(16, 3)

    def forward(self, x):
        x = F.relu(self.hidden(x))
        return (
            F.softmax(self.first(x), dim=0),  # colours
            torch.softmax(self.second(x), 0),  # shapes
            self.third(x).softmax(0),  # sizes
        )


# nnlint: input=20
net = Net()

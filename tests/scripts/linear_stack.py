import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp = nn.Linear(64, 128)
        self.drop = nn.Dropout(0.1)
        self.mid = nn.Linear(128, 128)
        self.norm = nn.LayerNorm(128)
        self.last = nn.Linear(128, 4)

    def forward(self, x):
        x = self.drop(self.inp(x))
        x = torch.relu(self.mid(x))
        return self.last(self.norm(x))


net = Net()
net(torch.zeros(3, 64))

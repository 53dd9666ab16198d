import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self, n=8):
        self.n = n
        self.fc = nn.Linear(n, n)

    def forward(self, x):
        return self.fc(x)


net = Net(16)
net(torch.zeros(1, 16))

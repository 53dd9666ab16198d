import torch
import torch.nn as nn


class DeepLinear(nn.Module):
    def __init__(self, dim=32, depth=4):
        super().__init__()
        self.layers = nn.ModuleList()
        for _ in range(depth):
            self.layers.append(nn.Linear(dim, dim))
        self.readout = nn.Linear(dim, 1)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.readout(torch.tanh(x))


net = DeepLinear()
y = net(torch.randn(16, 32))

import torch
import torch.nn as nn


class LazyNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.LazyConv2d(16, 3, padding=1)
        self.bn = nn.LazyBatchNorm2d()
        self.fc = nn.LazyLinear(5)

    def forward(self, x):
        return self.fc(torch.relu(self.bn(self.conv(x))).flatten(1))


net = LazyNet()
net(torch.rand(2, 3, 16, 16))

from torch import *
from torch.nn import *
import torch.nn.functional as F


class Net(Module):
    def __init__(self):
        super().__init__()
        self.conv = Conv2d(1, 6, 3, padding=1)
        self.fc1 = Linear(6, 8)
        self.fc2 = Linear(8, 2)

    def forward(self, x):
        x = relu(self.conv(x)).mean((2, 3))
        return self.fc2(self.fc1(x))


net = Net()
loss = F.cross_entropy(net(randn(4, 1, 30, 30)), zeros(4, dtype=long))

import torch
import torch.nn.functional as F
from torch import nn


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)     # LeCun
        self.conv2 = nn.Conv2d(6, 16, (5, 5), 1, 0)
        self.fc1 = nn.Linear(16*5*5, 120)   # 5x5 maps
        self.fc2 = nn.Linear(120, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, 16 * 5 * 5)  # flat
        return self.fc2(F.relu(self.fc1(x)))


net = LeNet()
print(net(torch.rand(2, 1, 32, 32)).shape)

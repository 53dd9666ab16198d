import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
        self.conv3 = nn.Conv2d(16, 16, 3, padding=1)
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))  # 32x32
        x = torch.relu(self.conv2(x))
        x = self.conv3(x).relu()   # 16 maps
        return self.head(x.mean((2, 3)))


# nnlint: input=3x32x32
net = Net()

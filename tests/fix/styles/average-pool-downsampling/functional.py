import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        x = F.avg_pool2d( F.relu(self.conv1(x)), 2 )  # 16x16
        x = torch.nn.functional.avg_pool2d(
            F.relu(self.conv2(x)),
            kernel_size=2,  # 8x8
        )
        return self.head(x.mean((2, 3)))


# nnlint: input=3x32x32
net = Net()

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(784, 256), nn.Linear(256, 128), nn.Linear(128, 10)

    def forward(self, x):
        x = x.view(x.size(0), -1)
        x = F.elu(self.fc1(x))
        x = self.fc2(x)  # forgotten
        return self.fc3(x)


# nnlint: input=1x28x28
net = Net()

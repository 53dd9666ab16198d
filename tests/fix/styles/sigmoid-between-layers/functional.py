import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(784, 128), nn.Linear(128, 128), nn.Linear(128, 64)
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        x = torch.sigmoid(self.fc1(x))  # saturates
        x = F.sigmoid( self.fc2(x) )
        x = self.fc3(x).sigmoid()
        return self.head(x)


# nnlint: input=784
net = Net()

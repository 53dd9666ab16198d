import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(20, 40)
        self.fc2 = nn.Linear(40, 40)
        self.bn = nn.BatchNorm1d(40)
        self.fc3 = nn.Linear(40, 2)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.dropout(x, p=0.4, training=self.training)
        x = F.relu(self.bn(self.fc2(x)))
        return self.fc3(x)


net = Net()
x = torch.randn(32, 20)
net(x)

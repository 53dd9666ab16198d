import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 16)
        self.score = nn.Linear(16, 1)

    def forward(self, x):
        return self.score(F.relu(self.hidden(x)))  # no sigmoid


class Trainer:
    def __init__(self, net):
        self.net = net
        self.criterion = torch.nn.BCELoss()  # binary
        self.optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)

    def fit(self, loader):
        for images, labels in loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.net(images), labels)  # one number
            loss.backward()
            self.optimizer.step()


data = TensorDataset(torch.rand(512, 20), torch.rand(512, 1).round())
net = Net()
Trainer(net).fit(DataLoader(data, batch_size=64, shuffle=True))

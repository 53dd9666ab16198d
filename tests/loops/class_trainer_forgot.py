# found: missing-zero-grad
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


class Trainer:
    def __init__(self, model):
        self.model = model
        self.opt = optim.Adam(self.model.parameters(), lr=0.001)
        self.crit = nn.CrossEntropyLoss()

    def step(self, x, y):
        loss = self.crit(self.model(x), y)
        loss.backward()
        self.opt.step()
        return loss.item()

    def fit(self, n):
        for e in range(n):
            for x, y in loader:
                self.step(x, y)


Trainer(mlp()).fit(20)

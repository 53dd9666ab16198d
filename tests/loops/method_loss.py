# found: nothing
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = mlp()

    def forward(self, x):
        return self.f(x)

    def loss(self, x, y):
        return F.cross_entropy(self.f(x), y)


net = Net()
opt = optim.AdamW(net.parameters(), lr=0.001)
for x, y in loader:
    opt.zero_grad()
    l = net.loss(x, y)
    l.backward()
    opt.step()

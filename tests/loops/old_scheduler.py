# found: loss-accumulated-with-graph, scheduler-before-optimizer
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


net = mlp()
opt = optim.SGD(net.parameters(), lr=0.1)
scheduler = optim.lr_scheduler.MultiStepLR(opt, [10, 20])


def train(e):
    run = 0.0
    for x, y in loader:
        opt.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
        run += loss
    print(e, run)


for e in range(30):
    scheduler.step()
    train(e)

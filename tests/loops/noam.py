# found: nothing
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


net = mlp()
opt = optim.Adam(net.parameters(), lr=0, betas=(0.9, 0.98), eps=1e-09)
for step in range(1, 1000):
    for g in opt.param_groups:
        g["lr"] = 512 ** (-0.5) * min(step ** (-0.5), step * 4000 ** (-1.5))
    x, y = next(iter(loader))
    loss = F.cross_entropy(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()

# found: nothing
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


nets = nn.ModuleList([mlp(), mlp()])
opt = optim.AdamW(nets.parameters(), lr=0.001)
for x, y in loader:
    total = 0
    for n in nets:
        total = total + F.cross_entropy(n(x), y)
    opt.zero_grad()
    total.backward()
    opt.step()

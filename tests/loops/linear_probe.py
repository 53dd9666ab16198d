# found: nothing
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


backbone = mlp(16, 8)
head = nn.Linear(8, 2)
for p in backbone.parameters():
    p.requires_grad = False
opt = optim.SGD(head.parameters(), lr=0.1)
for x, y in loader:
    loss = F.cross_entropy(head(backbone(x)), y)
    opt.zero_grad()
    loss.backward()
    opt.step()

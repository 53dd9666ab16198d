# found: nothing
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


D = mlp(16, 1)
G = mlp(8, 16)
oD = optim.RMSprop(D.parameters(), lr=5e-05)
oG = optim.RMSprop(G.parameters(), lr=5e-05)
for i, (x, _) in enumerate(loader):
    for p in D.parameters():
        p.requires_grad = True
    fake = G(torch.randn(len(x), 8)).detach()
    oD.zero_grad()
    a = torch.rand(len(x), 1)
    m = (a * x + (1 - a) * fake).requires_grad_()
    (g,) = torch.autograd.grad(D(m).sum(), m, create_graph=True)
    (D(fake).mean() - D(x).mean() + 10 * ((g.norm(2, 1) - 1) ** 2).mean()).backward()
    oD.step()
    if i % 5 == 0:
        oG.zero_grad()
        (-D(G(torch.randn(len(x), 8))).mean()).backward()
        oG.step()

# found: missing-zero-grad
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


D = mlp(16, 1)
G = mlp(8, 16)
oD = optim.Adam(D.parameters(), lr=0.0002)
oG = optim.Adam(G.parameters(), lr=0.0002)
bce = nn.BCEWithLogitsLoss()
for x, _ in loader:
    fake = G(torch.randn(len(x), 8))
    lossD = bce(D(x), torch.ones(len(x), 1)) + bce(D(fake.detach()), torch.zeros(len(x), 1))
    lossD.backward()
    oD.step()
    oG.zero_grad()
    lossG = bce(D(fake), torch.ones(len(x), 1))
    lossG.backward()
    oG.step()

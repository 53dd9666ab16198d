# found: parameters-not-optimized
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


enc = mlp(16, 8)
dec = mlp(8, 16)
opt = optim.Adam(dec.parameters(), lr=0.001)
for x, _ in loader:
    z = enc(x)
    out = dec(z)
    loss = F.mse_loss(out, x)
    opt.zero_grad()
    loss.backward()
    opt.step()

# found: nothing
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Linear(16, 8)
        self.d = nn.Linear(4, 16)

    def encode(self, x):
        return self.e(x).chunk(2, 1)

    def decode(self, z):
        return self.d(z)

    def forward(self, x):
        m, s = self.encode(x)
        return (self.decode(m + s.exp() * torch.randn_like(s)), m, s)


vae = VAE()
opt = optim.Adam(vae.parameters(), lr=0.001)
total = 0
for x, _ in loader:
    r, m, s = vae(x)
    loss = F.mse_loss(r, x) + (m**2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    total += loss.item()

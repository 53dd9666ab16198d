# found: nothing
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


netD = mlp(16, 1)
netG = mlp(8, 16)
optimizerD = optim.Adam(netD.parameters(), lr=0.0002, betas=(0.5, 0.999))
optimizerG = optim.Adam(netG.parameters(), lr=0.0002, betas=(0.5, 0.999))
criterion = nn.BCEWithLogitsLoss()
for e in range(5):
    for i, (x, _) in enumerate(loader, 0):
        netD.zero_grad()
        out = netD(x).view(-1)
        errR = criterion(out, torch.ones(len(x)))
        errR.backward()
        fake = netG(torch.randn(len(x), 8))
        out = netD(fake.detach()).view(-1)
        errF = criterion(out, torch.zeros(len(x)))
        errF.backward()
        optimizerD.step()
        netG.zero_grad()
        out = netD(fake).view(-1)
        errG = criterion(out, torch.ones(len(x)))
        errG.backward()
        optimizerG.step()

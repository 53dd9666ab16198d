# found: nothing
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


net = mlp(16, 16)
vgg = mlp(16, 8).eval()
opt = optim.Adam(net.parameters(), lr=0.001)
for x, _ in loader:
    out = net(x)
    loss = F.mse_loss(vgg(out), vgg(x))
    opt.zero_grad()
    loss.backward()
    opt.step()

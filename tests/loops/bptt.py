# found: nothing
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


net = nn.LSTM(16, 2)
opt = optim.Adam(net.parameters(), lr=0.001)
h = None
loss = 0
for t, (x, y) in enumerate(loader):
    out, h = net(x[None], h)
    loss = loss + F.cross_entropy(out[0], y)
    if t % 10 == 9:
        opt.zero_grad()
        loss.backward()
        opt.step()
        loss = 0
        h = tuple((v.detach() for v in h))

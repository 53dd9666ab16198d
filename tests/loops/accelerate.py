# found: nothing
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


from accelerate import Accelerator

acc = Accelerator()
net = mlp()
opt = optim.AdamW(net.parameters(), lr=0.001)
net, opt, loader = acc.prepare(net, opt, loader)
for e in range(20):
    for x, y in loader:
        with acc.accumulate(net):
            loss = F.cross_entropy(net(x), y)
            acc.backward(loss)
            opt.step()
            opt.zero_grad()

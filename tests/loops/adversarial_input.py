# found: nothing
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


net = mlp().eval()
opt = optim.SGD(net.parameters(), lr=0.1)
for x, y in loader:
    x.requires_grad_()
    loss = F.cross_entropy(net(x), y)
    net.zero_grad()
    loss.backward()
    adv = x + 0.1 * x.grad.sign()
    l2 = F.cross_entropy(net(adv.detach()), y)
    opt.zero_grad()
    l2.backward()
    opt.step()

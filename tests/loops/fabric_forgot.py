# found: missing-zero-grad
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


from lightning.fabric import Fabric

fabric = Fabric()
fabric.launch()
net = mlp()
opt = optim.AdamW(net.parameters(), lr=0.001)
net, opt = fabric.setup(net, opt)
for e in range(20):
    for x, y in loader:
        loss = F.cross_entropy(net(x), y)
        fabric.backward(loss)
        opt.step()

# found: nothing
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


nets = {"a": mlp(), "b": mlp()}
opts = {k: optim.Adam(n.parameters(), lr=0.001) for k, n in nets.items()}
for x, y in loader:
    for o in opts.values():
        o.zero_grad()
    loss = F.cross_entropy(nets["a"](x) + nets["b"](x), y)
    loss.backward()
    for o in opts.values():
        o.step()

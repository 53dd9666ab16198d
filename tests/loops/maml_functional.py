# found: nothing
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


net = mlp()
meta = optim.Adam(net.parameters(), lr=0.001)
for it in range(1000):
    meta.zero_grad()
    for task in range(4):
        fast = dict(net.named_parameters())
        for k in range(5):
            l = F.cross_entropy(
                torch.func.functional_call(net, fast, torch.rand(4, 16)), torch.zeros(4, dtype=torch.long)
            )
            g = torch.autograd.grad(l, fast.values(), create_graph=True)
            fast = {n: p - 0.01 * d for (n, p), d in zip(fast.items(), g)}
        F.cross_entropy(
            torch.func.functional_call(net, fast, torch.rand(4, 16)), torch.zeros(4, dtype=torch.long)
        ).backward()
    meta.step()

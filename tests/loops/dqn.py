# found: nothing
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


q = mlp(4, 2)
target = mlp(4, 2)
target.load_state_dict(q.state_dict())
opt = optim.Adam(q.parameters(), lr=0.001)


def optimize(b):
    v = q(b).max(1)[0]
    t = target(b).max(1)[0].detach()
    loss = F.smooth_l1_loss(v, t)
    opt.zero_grad()
    loss.backward()
    opt.step()


for step in range(10000):
    optimize(torch.rand(32, 4))
    if step % 100 == 0:
        target.load_state_dict(q.state_dict())

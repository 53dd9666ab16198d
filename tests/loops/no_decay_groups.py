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
decay = [p for n, p in net.named_parameters() if not n.endswith("bias")]
rest = [p for n, p in net.named_parameters() if n.endswith("bias")]
opt = optim.AdamW([{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}], lr=0.0003)
for x, y in loader:
    loss = F.cross_entropy(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()

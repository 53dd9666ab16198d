# found: nothing
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


net = mlp().cuda()
opt = optim.AdamW(net.parameters(), lr=0.001)
scaler = torch.cuda.amp.GradScaler()
for e in range(20):
    for x, y in loader:
        opt.zero_grad(set_to_none=True)
        with torch.autocast("cuda"):
            loss = F.cross_entropy(net(x.cuda()), y.cuda())
        scaler.scale(loss).backward()
        scaler.unscale_(opt)
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        scaler.step(opt)
        scaler.update()

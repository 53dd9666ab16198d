# found: nothing
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
loader = DataLoader(data, batch_size=64, shuffle=True)


def mlp(i=16, o=2):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


student = mlp()
teacher = mlp()
teacher.load_state_dict(torch.load("t.pt"))
teacher.eval()
opt = optim.AdamW(student.parameters(), lr=0.001)
for x, y in loader:
    with torch.no_grad():
        t = teacher(x)
    s_ = student(x)
    loss = F.cross_entropy(s_, y) + F.kl_div(F.log_softmax(s_, 1), F.softmax(t, 1), reduction="batchmean")
    opt.zero_grad()
    loss.backward()
    opt.step()

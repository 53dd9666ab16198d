import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 16)
        self.output = nn.Linear(16, 10)
        self.softmax = nn.Softmax(dim=1)  # probabilities

    def forward(self, x):
        out = F.relu(self.hidden(x))
        out = self.output(out)
        out = self.softmax(out)  # they sum to one
        return out


net = Net()

images, labels = torch.rand(64, 20), torch.randint(10, (64,))
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
for epoch in range(30):
    optimizer.zero_grad()
    loss = F.cross_entropy(net(images), labels)
    loss.backward()
    optimizer.step()
    print(epoch, loss.item())

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.score = nn.Linear(20, 16), nn.Linear(16, 1)

    def forward(self, x):
        x = F.relu(self.hidden(x))
        return torch.sigmoid(self.score(x))  # a probability


net = Net()

images, labels = torch.rand(64, 20), torch.rand(64, 1).round()
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
for epoch in range(30):
    optimizer.zero_grad()
    loss = F.binary_cross_entropy(net(images), labels)
    loss.backward()
    optimizer.step()
    print(epoch, loss.item())

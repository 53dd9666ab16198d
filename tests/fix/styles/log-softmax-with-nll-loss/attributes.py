import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 16)
        self.scores = nn.Linear(16, 10)  # ten classes
        self.softmax = nn.LogSoftmax(dim=1)  # their log-probabilities

    def forward(self, x):
        x = F.relu(self.hidden(x))
        return self.softmax(self.scores(x))  # (N, 10)


net = Net()

images, labels = torch.rand(64, 20), torch.randint(10, (64,))
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
for epoch in range(30):
    optimizer.zero_grad()
    loss = F.nll_loss(net(images), labels)
    loss.backward()
    optimizer.step()
    print(epoch, loss.item())

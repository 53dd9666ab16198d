import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 16)
        self.scores = nn.Linear(16, 10)  # raw

    def forward(self, x):
        return self.scores(F.relu(self.hidden(x)))


net = Net()
criterion = nn.NLLLoss( reduction='mean' )  # needs log-probabilities

images, labels = torch.rand(64, 20), torch.randint(10, (64,))
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
for epoch in range(30):
    optimizer.zero_grad()
    loss = criterion(net(images), labels)
    loss.backward()
    optimizer.step()
    print(epoch, loss.item())

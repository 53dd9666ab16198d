import torch
import torch.nn as nn
import torch.nn.functional as F


class Scorer(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(10, 20)
        self.fc2 = nn.Linear(20, 1)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


def fit(loader):
    scorer = Scorer()
    opt = torch.optim.RMSprop(scorer.parameters(), lr=1e-3)
    for epoch in range(20):
        for x, y in loader:
            logits = scorer(x)
            probs = torch.sigmoid(logits)
            loss = F.binary_cross_entropy(probs, y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(epoch, loss.item())

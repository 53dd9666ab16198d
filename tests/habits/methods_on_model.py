# expect: missing-eval-mode
import torch, torch.nn as nn, torch.nn.functional as F, torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset, Dataset
from torchvision import datasets, transforms
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)
    def forward(self, x):
        x = F.relu(self.conv1(x)); x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2); x = self.dropout1(x); x = torch.flatten(x, 1)
        return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)

class Clf(nn.Module):
    def __init__(self):
        super().__init__(); self.body = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 2))
    def forward(self, x): return self.body(x)
    def fit(self, loader, epochs):
        opt = optim.Adam(self.parameters())
        self.train()
        for epoch in range(epochs):
            for x, y in loader:
                loss = F.cross_entropy(self(x), y); opt.zero_grad(); loss.backward(); opt.step()
            print(epoch, loss.item())
    @torch.no_grad()
    def score(self, loader):
        return sum((self(x).argmax(1) == y).sum().item() for x, y in loader)
    @torch.no_grad()
    def accuracy(self, loader):
        n = 0
        for x, y in loader:
            n += (self(x).argmax(1) == y).sum().item()
        return n
tr = TensorDataset(torch.rand(500, 16), torch.randint(0, 2, (500,))); te = TensorDataset(torch.rand(100, 16), torch.randint(0, 2, (100,)))
m = Clf(); m.fit(DataLoader(tr, 32, True), 20); print(m.accuracy(DataLoader(te, 32)))

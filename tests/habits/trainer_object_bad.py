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

class Trainer:
    def __init__(self, model, train_loader, val_loader):
        self.model, self.train_loader, self.val_loader = model, train_loader, val_loader
        self.opt = optim.AdamW(self.model.parameters(), lr=1e-3)
    def train_epoch(self):
        self.model.train()
        total = 0
        for x, y in self.train_loader:
            self.opt.zero_grad()
            loss = F.nll_loss(self.model(x), y)
            loss.backward()
            self.opt.step()
            total += loss.item()
        return total / len(self.train_loader)
    def evaluate(self):
        correct = 0
        with torch.no_grad():
            for x, y in self.val_loader:
                correct += (self.model(x).argmax(1) == y).sum().item()
        return correct
    def fit(self, epochs):
        for epoch in range(epochs):
            print(self.train_epoch(), self.evaluate())
if __name__ == '__main__':
    train_ds = datasets.MNIST('data', train=True, transform=transforms.ToTensor())
    val_ds = datasets.MNIST('data', train=False, transform=transforms.ToTensor())
    t = Trainer(Net(), DataLoader(train_ds, batch_size=64, shuffle=True), DataLoader(val_ds, batch_size=256))
    t.fit(20)

# expect: 
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

class EarlyStopping:
    def __init__(self, patience=5): self.patience, self.best, self.count = patience, None, 0
    def __call__(self, loss):
        if self.best is None or loss < self.best: self.best, self.count = loss, 0
        else: self.count += 1
        return self.count >= self.patience
train_ds = datasets.MNIST('data', train=True, transform=transforms.ToTensor())
val_ds = datasets.MNIST('data', train=False, transform=transforms.ToTensor())
tl = DataLoader(train_ds, batch_size=128, shuffle=True); vl = DataLoader(val_ds, batch_size=512)
model = Net(); opt = optim.Adam(model.parameters()); stop = EarlyStopping()
for epoch in range(1000):
    model.train()
    for x, y in tl:
        loss = F.nll_loss(model(x), y); opt.zero_grad(); loss.backward(); opt.step()
    model.eval()
    with torch.no_grad(): v = sum(F.nll_loss(model(x), y).item() for x, y in vl)
    if stop(v): break

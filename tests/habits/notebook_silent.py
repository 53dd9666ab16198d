# expect: no-epoch-metrics,training-data-not-shuffled,missing-eval-mode
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

train_ds = datasets.FashionMNIST('data', train=True, transform=transforms.ToTensor())
test_ds = datasets.FashionMNIST('data', train=False, transform=transforms.ToTensor())
train_dl = DataLoader(train_ds, batch_size=128)
test_dl = DataLoader(test_ds, batch_size=128)
model = Net(); loss_fn = nn.NLLLoss(); opt = optim.Adam(model.parameters())
for epoch in range(20):
    for xb, yb in train_dl:
        loss = loss_fn(model(xb), yb)
        loss.backward()
        opt.step()
        opt.zero_grad()
correct = 0
with torch.no_grad():
    for xb, yb in test_dl:
        correct += (model(xb).argmax(1) == yb).sum().item()
print(correct / len(test_ds))

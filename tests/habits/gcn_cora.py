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

class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1, self.l2 = nn.Linear(1433, 16), nn.Linear(16, 7)
    def forward(self, x, adj):
        x = F.dropout(F.relu(adj @ self.l1(x)), 0.5, training=self.training)
        return adj @ self.l2(x)
model = GCN()
x = torch.rand(2708, 1433); adj = torch.rand(2708, 2708); y = torch.randint(0, 7, (2708,))
train_mask = torch.arange(2708) < 140
optimizer = optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
def train():
    model.train()
    optimizer.zero_grad()
    out = model(x, adj)
    loss = F.cross_entropy(out[train_mask], y[train_mask])
    loss.backward()
    optimizer.step()
    return loss.item()
@torch.no_grad()
def test():
    model.eval()
    return (model(x, adj).argmax(1) == y).float().mean().item()
for epoch in range(1, 201):
    loss = train()
    acc = test()
    print(f'Epoch {epoch:03d} {loss:.4f} {acc:.4f}')

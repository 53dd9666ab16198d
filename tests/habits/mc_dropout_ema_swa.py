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

from torch.optim.swa_utils import AveragedModel, update_bn
train_ds = datasets.MNIST('data', train=True, transform=transforms.ToTensor())
test_ds = datasets.MNIST('data', train=False, transform=transforms.ToTensor())
loader = DataLoader(train_ds, batch_size=128, shuffle=True); test_loader = DataLoader(test_ds, batch_size=512)
model = Net(); opt = optim.SGD(model.parameters(), lr=0.1)
swa_model = AveragedModel(model)
for epoch in range(12):
    model.train()
    for x, y in loader:
        loss = F.nll_loss(model(x), y); opt.zero_grad(); loss.backward(); opt.step()
    swa_model.update_parameters(model)
    print(epoch, loss.item())
update_bn(loader, swa_model)
swa_model.eval()
with torch.no_grad():
    for x, y in test_loader: print((swa_model(x).argmax(1) == y).sum())
def enable_dropout(m):
    for mod in m.modules():
        if mod.__class__.__name__.startswith('Dropout'): mod.train()
model.eval(); enable_dropout(model)
with torch.no_grad():
    for x, y in test_loader:
        preds = torch.stack([model(x) for _ in range(10)])

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

train_ds = datasets.MNIST('data', train=True, transform=transforms.ToTensor())
train_loader = DataLoader(train_ds, batch_size=128, shuffle=True)
train_eval_loader = DataLoader(train_ds, batch_size=512)
model = Net(); opt = optim.Adam(model.parameters())
def run(loader, train=True):
    model.train() if train else model.eval()
    tot = 0
    for x, y in loader:
        loss = F.nll_loss(model(x), y)
        if train:
            opt.zero_grad(); loss.backward(); opt.step()
        tot += loss.item()
    return tot
for epoch in range(12):
    print(run(train_loader), run(train_eval_loader, train=False))

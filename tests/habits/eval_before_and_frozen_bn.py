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

from torchvision import models
net = models.resnet18(weights=models.ResNet18_Weights.DEFAULT)
loader = DataLoader(datasets.ImageFolder('x', transforms.Compose([transforms.RandomResizedCrop(224), transforms.ToTensor()])), batch_size=32, shuffle=True)
test_loader = DataLoader(datasets.ImageFolder('y', transforms.ToTensor()), batch_size=32)
opt = optim.SGD(net.fc.parameters(), lr=0.1)
def freeze(m):
    for mod in m.modules():
        if isinstance(mod, nn.BatchNorm2d): mod.eval()
for epoch in range(5):
    net.train(); freeze(net)
    for x, y in loader:
        opt.zero_grad(); loss = F.cross_entropy(net(x), y); loss.backward(); opt.step()
    net.eval()
    n = 0
    with torch.inference_mode():
        for x, y in test_loader: n += (net(x).argmax(1) == y).sum().item()
    print(n)

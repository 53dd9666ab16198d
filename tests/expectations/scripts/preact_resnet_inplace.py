import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

SEED = 0
torch.manual_seed(SEED)
torch.backends.cudnn.deterministic = True
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class PreActBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(width)
        self.act1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.act2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)

    def forward(self, x):
        out = self.conv1(self.act1(self.bn1(x)))
        out = self.conv2(self.act2(self.bn2(out)))
        return x + out


class NormFreeBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x):
        return x + self.body(x)


class Net(nn.Module):
    def __init__(self, width=64, classes=10):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.block1 = PreActBlock(width)
        self.block2 = NormFreeBlock(width)
        self.down = nn.MaxPool2d(2)
        self.block3 = PreActBlock(width)
        self.final = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(inplace=True))
        self.fc = nn.Linear(width, classes)

    def forward(self, x):
        x = self.block2(self.block1(self.stem(x)))
        x = self.final(self.block3(self.down(x)))
        return self.fc(x.mean((2, 3)))


model = Net().to(DEVICE)
tf = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.4377, 0.4438, 0.4728), (0.198, 0.201, 0.197))])
train_loader = DataLoader(datasets.SVHN("data", split="train", transform=tf), batch_size=128, shuffle=True, num_workers=2, pin_memory=True)
test_loader = DataLoader(datasets.SVHN("data", split="test", transform=tf), batch_size=256, num_workers=2, pin_memory=True)
optimizer = optim.AdamW(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()


def accuracy(loader):
    model.eval()
    n = 0
    with torch.no_grad():
        for x, y in loader:
            n += (model(x.to(DEVICE)).argmax(1).cpu() == y).sum().item()
    return n / len(loader.dataset)


model.train()
for epoch in range(25):
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x.to(DEVICE)), y.to(DEVICE))
        loss.backward()
        optimizer.step()
    print(epoch, loss.item(), accuracy(test_loader))

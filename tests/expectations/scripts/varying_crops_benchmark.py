import random
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision import transforms as T

torch.backends.cudnn.benchmark = True
SIZES = [160, 192, 224, 256]


class SceneNet(nn.Module):
    """Indoor or outdoor."""

    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(3, 32, 3, padding=1)
        self.c2 = nn.Conv2d(32, 64, 3, padding=1)
        self.c3 = nn.Conv2d(64, 128, 3, padding=1)
        self.drop = nn.Dropout(0.25)
        self.fc = nn.Linear(128, 1)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(self.drop(F.relu(self.c2(x))), 2)
        x = F.relu(self.c3(x))
        x = torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)
        return torch.sigmoid(self.fc(x))


def collate(batch):
    size = random.choice(SIZES)
    images = torch.stack([F.interpolate(img[None], size=(size, size))[0] for img, _ in batch])
    return images, torch.tensor([[float(label)] for _, label in batch])


def main():
    device = torch.device("cuda")
    tf = T.Compose([T.RandomResizedCrop(256), T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    train_loader = DataLoader(ImageFolder("scenes/train", tf), batch_size=64, shuffle=True, num_workers=8,
                              pin_memory=True, collate_fn=collate)
    val_loader = DataLoader(ImageFolder("scenes/val", tf), batch_size=64, num_workers=8, collate_fn=collate)
    net = SceneNet().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=5.0)
    criterion = nn.BCELoss()
    for epoch in range(30):
        net.train()
        losses = 0.0
        for x, y in train_loader:
            x, y = x.to(device), y.to(device)
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            losses += loss.item()
        net.eval()
        good = total = 0
        with torch.no_grad():
            for x, y in val_loader:
                good += ((net(x.to(device)).cpu() > 0.5).float() == y).sum().item()
                total += len(y)
        print(f"Epoch {epoch}: loss={losses / len(train_loader):.4f}, acc={good / total:.4f}")


if __name__ == "__main__":
    main()

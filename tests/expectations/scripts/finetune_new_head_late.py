import argparse
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.reduce = nn.Conv2d(64, 128, 1, stride=2, bias=False)
        self.bn2 = nn.BatchNorm2d(128)
        self.conv3 = nn.Conv2d(128, 256, 3, stride=2, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(256)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.reduce(x)))
        x = F.relu(self.bn3(self.conv3(x)))
        return F.adaptive_avg_pool2d(x, 1).flatten(1)


class PetNet(nn.Module):
    def __init__(self, backbone, n_classes=37):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(256, n_classes)

    def forward(self, x):
        return self.head(self.backbone(x))


def get_args():
    p = argparse.ArgumentParser()
    p.add_argument("--data", default="data")
    p.add_argument("--epochs", default=15, type=int)
    p.add_argument("-b", "--batch-size", default=32, type=int)
    p.add_argument("--lr", default=3e-4, type=float)
    return p.parse_args()


def main():
    args = get_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    tfm = transforms.Compose([transforms.RandomResizedCrop(160), transforms.ToTensor(),
                              transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
    train_ds = datasets.OxfordIIITPet(args.data, split="trainval", transform=tfm, download=True)
    test_ds = datasets.OxfordIIITPet(args.data, split="test", transform=tfm, download=True)
    train_dl = DataLoader(train_ds, batch_size=args.batch_size, shuffle=True, num_workers=4, pin_memory=True)
    test_dl = DataLoader(test_ds, batch_size=64, num_workers=4, pin_memory=True)

    backbone = Backbone()
    backbone.load_state_dict(torch.load("backbone.pth", map_location="cpu"))
    optimizer = torch.optim.AdamW(backbone.parameters(), lr=args.lr)
    model = PetNet(backbone).to(device)
    for epoch in range(args.epochs):
        model.train()
        for images, targets in train_dl:
            images, targets = images.to(device), targets.to(device)
            loss = F.cross_entropy(model(images), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        good = 0
        with torch.no_grad():
            for images, targets in test_dl:
                good += (model(images.to(device)).argmax(1).cpu() == targets).sum().item()
        print("epoch", epoch, "loss", loss.item(), "acc", good / len(test_ds))


if __name__ == "__main__":
    main()

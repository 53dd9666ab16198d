"""VGG-like: the layers come from a list."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader
import torchvision
import torchvision.transforms as T

CONFIG = [64, "M", 128, "M", 256, 256, "M", 512]


def make_layers(config, in_channels=3):
    layers = []
    for item in config:
        if item == "M":
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
        else:
            layers += [
                nn.Conv2d(in_channels, item, kernel_size=3, padding=1, bias=False),
                nn.BatchNorm2d(item),
                nn.ReLU(inplace=True),
            ]
            in_channels = item
    return nn.Sequential(*layers)


class VGG(nn.Module):
    def __init__(self, config, num_classes=10):
        super(VGG, self).__init__()
        self.features = make_layers(config)
        self.pool = nn.AdaptiveAvgPool2d((1, 1))
        self.classifier = nn.Sequential(
            nn.Linear(512, 256),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(256, num_classes),
        )

    def forward(self, x):
        x = self.features(x)
        x = self.pool(x)
        x = torch.flatten(x, 1)
        x = self.classifier(x)
        return x


def train_one_epoch(model, loader, criterion, optimizer, device):
    model.train()
    total = 0.0
    for images, targets in loader:
        images = images.to(device)
        targets = targets.to(device)
        output = model(images)
        loss = criterion(output, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


def validate(model, loader, device):
    model.eval()
    correct = 0
    with torch.no_grad():
        for images, targets in loader:
            output = model(images.to(device))
            correct += (output.argmax(1) == targets.to(device)).sum().item()
    return correct / len(loader.dataset)


def main():
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    normalize = T.Normalize(mean=(0.49, 0.48, 0.45), std=(0.25, 0.24, 0.26))
    train_set = torchvision.datasets.CIFAR10(
        "data", train=True, transform=T.Compose([T.RandomHorizontalFlip(), T.ToTensor(), normalize])
    )
    val_set = torchvision.datasets.CIFAR10("data", train=False, transform=T.Compose([T.ToTensor(), normalize]))
    train_loader = DataLoader(train_set, batch_size=64, shuffle=True, num_workers=4, pin_memory=True)
    val_loader = DataLoader(val_set, batch_size=128, num_workers=4, pin_memory=True)
    model = VGG(CONFIG).to(device)
    criterion = nn.CrossEntropyLoss().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.01)
    for epoch in range(50):
        loss = train_one_epoch(model, train_loader, criterion, optimizer, device)
        acc = validate(model, val_loader, device)
        print(f"epoch {epoch} loss {loss:.4f} val accuracy {acc:.4f}")


if __name__ == "__main__":
    main()

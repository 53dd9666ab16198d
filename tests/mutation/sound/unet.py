"""Segmentation with a small U-Net."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class CellMasks(Dataset):
    def __init__(self, split):
        self.images = torch.load(f"cells_{split}_images.pt").float() / 255
        self.masks = torch.load(f"cells_{split}_masks.pt").long()

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index], self.masks[index]


class DoubleConv(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return self.block(x)


class UNet(nn.Module):
    def __init__(self, in_channels=1, num_classes=2, width=32):
        super().__init__()
        self.down1 = DoubleConv(in_channels, width)
        self.down2 = DoubleConv(width, 2 * width)
        self.down3 = DoubleConv(2 * width, 4 * width)
        self.pool = nn.MaxPool2d(2)
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, kernel_size=2, stride=2)
        self.conv2 = DoubleConv(4 * width, 2 * width)
        self.up1 = nn.ConvTranspose2d(2 * width, width, kernel_size=2, stride=2)
        self.conv1 = DoubleConv(2 * width, width)
        self.head = nn.Conv2d(width, num_classes, kernel_size=1)

    def forward(self, x):
        d1 = self.down1(x)
        d2 = self.down2(self.pool(d1))
        d3 = self.down3(self.pool(d2))
        u2 = self.up2(d3)
        u2 = self.conv2(torch.cat([u2, d2], dim=1))
        u1 = self.up1(u2)
        u1 = self.conv1(torch.cat([u1, d1], dim=1))
        return self.head(u1)


def main():
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    model = UNet().to(device)
    train_loader = DataLoader(CellMasks("train"), batch_size=64, shuffle=True, num_workers=4, pin_memory=True)
    val_loader = DataLoader(CellMasks("val"), batch_size=64, num_workers=4, pin_memory=True)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for epoch in range(60):
        model.train()
        total = 0.0
        for images, masks in train_loader:
            images, masks = images.to(device), masks.to(device)
            optimizer.zero_grad()
            loss = criterion(model(images), masks)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        correct, pixels = 0, 0
        with torch.no_grad():
            for images, masks in val_loader:
                images, masks = images.to(device), masks.to(device)
                correct += (model(images).argmax(1) == masks).sum().item()
                pixels += masks.numel()
        print(f"epoch {epoch}: loss {total / len(train_loader):.4f} pixel accuracy {correct / pixels:.4f}")


if __name__ == "__main__":
    main()

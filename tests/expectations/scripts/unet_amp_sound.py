import os
import numpy as np
import torch
import torch.nn as nn
import torchvision.transforms.functional as TF
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

LEARNING_RATE = 1e-4
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
BATCH_SIZE = 16
NUM_EPOCHS = 30
NUM_WORKERS = 4
torch.backends.cudnn.benchmark = True


class CarvanaDataset(Dataset):
    def __init__(self, image_dir, mask_dir):
        self.image_dir, self.mask_dir = image_dir, mask_dir
        self.images = sorted(os.listdir(image_dir))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = np.load(os.path.join(self.image_dir, self.images[index]), mmap_mode="r")
        mask = np.load(os.path.join(self.mask_dir, self.images[index]), mmap_mode="r")
        image, mask = torch.from_numpy(image.copy()).float() / 255, torch.from_numpy(mask.copy()).float()
        if torch.rand(1) < 0.5:
            image, mask = TF.hflip(image), TF.hflip(mask)
        return image, mask.unsqueeze(0)


class DoubleConv(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return self.conv(x)


class UNET(nn.Module):
    def __init__(self, in_channels=3, out_channels=1, features=(64, 128, 256, 512)):
        super().__init__()
        self.ups = nn.ModuleList()
        self.downs = nn.ModuleList()
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
        for feature in features:
            self.downs.append(DoubleConv(in_channels, feature))
            in_channels = feature
        for feature in reversed(features):
            self.ups.append(nn.ConvTranspose2d(feature * 2, feature, kernel_size=2, stride=2))
            self.ups.append(DoubleConv(feature * 2, feature))
        self.bottleneck = DoubleConv(features[-1], features[-1] * 2)
        self.final_conv = nn.Conv2d(features[0], out_channels, kernel_size=1)

    def forward(self, x):
        skips = []
        for down in self.downs:
            x = down(x)
            skips.append(x)
            x = self.pool(x)
        x = self.bottleneck(x)
        skips = skips[::-1]
        for idx in range(0, len(self.ups), 2):
            x = self.ups[idx](x)
            skip = skips[idx // 2]
            if x.shape != skip.shape:
                x = TF.resize(x, size=skip.shape[2:])
            x = self.ups[idx + 1](torch.cat((skip, x), dim=1))
        return self.final_conv(x)


def train_fn(loader, model, optimizer, loss_fn, scaler):
    model.train()
    loop = tqdm(loader)
    for data, targets in loop:
        data, targets = data.to(DEVICE), targets.to(DEVICE)
        with torch.autocast(DEVICE):
            predictions = model(data)
            loss = loss_fn(predictions, targets)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        loop.set_postfix(loss=loss.item())


def check_accuracy(loader, model):
    model.eval()
    inter = union = 0
    with torch.no_grad():
        for x, y in loader:
            preds = (torch.sigmoid(model(x.to(DEVICE))) > 0.5).float().cpu()
            inter += (preds * y).sum().item()
            union += (preds + y).sum().item()
    print(f"Dice score: {2 * inter / (union + 1e-8)}")


def main():
    model = UNET(in_channels=3, out_channels=1).to(DEVICE)
    loss_fn = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    train_loader = DataLoader(CarvanaDataset("data/train_images", "data/train_masks"), batch_size=BATCH_SIZE,
                              num_workers=NUM_WORKERS, pin_memory=True, shuffle=True)
    val_loader = DataLoader(CarvanaDataset("data/val_images", "data/val_masks"), batch_size=BATCH_SIZE,
                            num_workers=NUM_WORKERS, pin_memory=True, shuffle=False)
    scaler = torch.amp.GradScaler(DEVICE)
    for epoch in range(NUM_EPOCHS):
        train_fn(train_loader, model, optimizer, loss_fn, scaler)
        torch.save({"state_dict": model.state_dict(), "optimizer": optimizer.state_dict()}, "my_checkpoint.pth.tar")
        check_accuracy(val_loader, model)


if __name__ == "__main__":
    main()

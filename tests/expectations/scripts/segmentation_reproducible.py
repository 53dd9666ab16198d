import os
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


def set_seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)
    os.environ["PYTHONHASHSEED"] = str(seed)


class SegNetLite(nn.Module):
    def __init__(self, classes=21):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 32, 7, stride=2, padding=3, bias=False),  # nnlint: ignore[conv-kernel-not-3x3]
            nn.BatchNorm2d(32), nn.ReLU(inplace=True))
        self.mid = nn.Sequential(
            nn.Conv2d(32, 64, 3, stride=2, padding=1, bias=False),  # nnlint: ignore[conv-without-padding]
            nn.BatchNorm2d(64), nn.ReLU(inplace=True))
        self.deep = nn.Sequential(nn.Conv2d(64, 128, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(128), nn.ReLU(inplace=True))
        self.classify = nn.Conv2d(128, classes, 1)

    def forward(self, x):
        y = self.classify(self.deep(self.mid(self.stem(x))))
        return F.interpolate(y, size=x.shape[2:], mode="bilinear", align_corners=False)


def to_mask(m):
    return torch.from_numpy(np.array(m, dtype=np.int64))


def run(seed=7, epochs=60):
    set_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kw = dict(download=True, transform=transforms.Compose([transforms.ToTensor(), transforms.CenterCrop(320)]),
              target_transform=transforms.Compose([transforms.CenterCrop(320), to_mask]))
    train = DataLoader(datasets.VOCSegmentation("voc", image_set="train", **kw), batch_size=16, shuffle=True,
                       num_workers=4, pin_memory=True)
    val = DataLoader(datasets.VOCSegmentation("voc", image_set="val", **kw), batch_size=16, num_workers=4)
    net = SegNetLite().to(device)
    criterion = nn.CrossEntropyLoss(ignore_index=255)
    opt = torch.optim.AdamW(net.parameters(), lr=5e-4)
    for epoch in range(epochs):
        net.train()
        for img, mask in train:
            opt.zero_grad()
            loss = criterion(net(img.to(device)), mask.to(device))
            loss.backward()
            opt.step()
        net.eval()
        ok = n = 0
        with torch.no_grad():
            for img, mask in val:
                ok += (net(img.to(device)).argmax(1).cpu() == mask).sum().item()
                n += mask.numel()
        print(f"{epoch}: {loss.item():.3f} pixel accuracy {ok / n:.3f}")


if __name__ == "__main__":
    run()

import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader


def seed_everything(seed=42):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = True


class ConvBlock(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.conv = nn.Conv2d(i, o, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(o)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.act(self.norm(self.conv(x)))


class MultiTaskNet(nn.Module):
    TASKS = {"age": 1, "gender": 1, "emotion": 7}

    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(ConvBlock(3, 32), ConvBlock(32, 64), ConvBlock(64, 128),
                                   nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.heads = {}
        for task, n_out in self.TASKS.items():
            self.heads[task] = nn.Linear(128, n_out)

    def forward(self, x):
        z = self.trunk(x)
        return {task: head(z) for task, head in self.heads.items()}


def compute_loss(out, batch):
    loss = F.smooth_l1_loss(out["age"].squeeze(1), batch["age"])
    loss = loss + F.binary_cross_entropy_with_logits(out["gender"].squeeze(1), batch["gender"].float())
    return loss + F.cross_entropy(out["emotion"], batch["emotion"])


def fit(train_ds, val_ds, epochs=40, lr=3e-4):
    seed_everything()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = MultiTaskNet().to(device)
    opt = torch.optim.AdamW(net.parameters(), lr=lr)
    loader = DataLoader(train_ds, 64, shuffle=True, num_workers=4, pin_memory=True)
    val_loader = DataLoader(val_ds, 64, num_workers=4)
    for epoch in range(epochs):
        net.train()
        running = 0.0
        for batch in loader:
            batch = {k: v.to(device) for k, v in batch.items()}
            opt.zero_grad()
            loss = compute_loss(net(batch["image"]), batch)
            loss.backward()
            opt.step()
            running += loss.item()
        net.eval()
        mae = 0.0
        with torch.no_grad():
            for batch in val_loader:
                out = net(batch["image"].to(device))
                mae += (out["age"].squeeze(1).cpu() - batch["age"]).abs().mean().item()
        print(f"[{epoch}] train {running / len(loader):.3f} val age MAE {mae / len(val_loader):.2f}")


if __name__ == "__main__":
    from faces import FaceDataset
    fit(FaceDataset("train"), FaceDataset("val"))

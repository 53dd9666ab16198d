from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Callable

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

log = logging.getLogger("kws")
BUILDERS: dict[str, Callable[..., nn.Module]] = {}


def builder(fn):
    BUILDERS[fn.__name__] = fn
    return fn


@dataclass
class OptimConfig:
    lr: float = 1e-3
    weight_decay: float = 0.05


@dataclass
class TrainConfig:
    model: str = "ds_cnn"
    classes: int = 12
    batch_size: int = 128
    epochs: int = 40
    optim: OptimConfig = field(default_factory=OptimConfig)


class DSConv(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(c_in, c_in, 3, stride=stride, padding=1, groups=c_in, bias=False)
        self.bn1 = nn.BatchNorm2d(c_in)
        self.pointwise = nn.Conv2d(c_in, c_out, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.depthwise(x)))
        return self.relu(self.bn2(self.pointwise(x)))


@builder
def ds_cnn(classes: int, width: int = 64) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
        DSConv(width, width), DSConv(width, 2 * width, 2), DSConv(2 * width, 2 * width), DSConv(2 * width, 4 * width, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(4 * width, classes),
    )


class MelDataset(Dataset):
    def __init__(self, path: str) -> None:
        blob = torch.load(path, mmap=True)
        self.mels, self.labels = blob["mels"], blob["labels"]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return (self.mels[i] - self.mels[i].mean()) / 4.0, self.labels[i]


def train(cfg: TrainConfig) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    net = BUILDERS[cfg.model](cfg.classes).to(device)
    train_loader = DataLoader(MelDataset("train.pt"), cfg.batch_size, shuffle=True, num_workers=4, pin_memory=True)
    val_loader = DataLoader(MelDataset("val.pt"), 2 * cfg.batch_size, num_workers=4, pin_memory=True)
    decay = [p for p in net.parameters() if p.ndim > 1]
    rest = [p for p in net.parameters() if p.ndim <= 1]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": cfg.optim.weight_decay},
                             {"params": rest, "weight_decay": 0.0}], lr=cfg.optim.lr)
    for epoch in range(cfg.epochs):
        net.train()
        for mel, label in train_loader:
            loss = nn.functional.cross_entropy(net(mel.to(device)), label.to(device), label_smoothing=0.1)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
        net.eval()
        hits = 0
        with torch.inference_mode():
            for mel, label in val_loader:
                hits += (net(mel.to(device)).argmax(1).cpu() == label).sum().item()
        log.info("epoch %d: loss %.4f, accuracy %.4f", epoch, loss.item(), hits / len(val_loader.dataset))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    train(TrainConfig())

"""Random images in the form of CIFAR-100, so that the project runs without a download."""

import torch
from torch.utils.data import DataLoader, Dataset

from .config import Config


class RandomImages(Dataset):
    """Noise of shape (3, 32, 32) with labels."""

    def __init__(self, count: int, classes: int) -> None:
        self.images = torch.randn(count, 3, 32, 32)
        self.labels = torch.randint(classes, (count,))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.images[index], self.labels[index]


def make_loaders(config: Config) -> tuple[DataLoader, DataLoader]:
    """The loaders for training and validation."""
    train_set = RandomImages(1200, config.model.classes)
    val_set = RandomImages(240, config.model.classes)
    train_loader = DataLoader(train_set, batch_size=config.train.batch_size, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=240)
    return train_loader, val_loader

"""A Lightning module: the framework owns the loop, and nnlint reads the steps. Lightning need not be installed."""

import lightning as L
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import CIFAR10


class Classifier(L.LightningModule):
    """A convolutional network with batch norm, trained with batches that are too small for it."""

    def __init__(self, width: int = 32, lr: float = 1e-3) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.example_input_array = torch.zeros(1, 3, 32, 32)
        self.net = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(2 * width, 10),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of shape (N, 10)."""
        return self.net(x)

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], batch_index: int) -> torch.Tensor:
        """The loss of one batch."""
        images, labels = batch
        loss = F.cross_entropy(self(images), labels)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], batch_index: int) -> None:
        """The accuracy of one batch."""
        images, labels = batch
        self.log("val_accuracy", (self(images).argmax(1) == labels).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)


class CIFAR(L.LightningDataModule):
    """CIFAR-10, in batches of eight."""

    def __init__(self, folder: str = "data") -> None:
        super().__init__()
        self.train_set = CIFAR10(folder, train=True, transform=transforms.ToTensor())
        self.val_set = CIFAR10(folder, train=False, transform=transforms.ToTensor())

    def train_dataloader(self) -> DataLoader:
        """Shuffled."""
        return DataLoader(self.train_set, batch_size=8, shuffle=True, num_workers=4)

    def val_dataloader(self) -> DataLoader:
        """In order."""
        return DataLoader(self.val_set, batch_size=256, num_workers=4)


if __name__ == "__main__":
    trainer = L.Trainer(max_epochs=30, accelerator="auto")
    trainer.fit(Classifier(), datamodule=CIFAR())

import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchmetrics import Accuracy


class ChurnModel(pl.LightningModule):
    def __init__(self, n_features=20, hidden=64, learning_rate=1e-3):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(n_features, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        self.criterion = nn.BCELoss()
        self.accuracy = Accuracy(task="binary")

    def forward(self, x):
        return self.net(x).squeeze(1)

    def training_step(self, batch, batch_idx):
        x, y = batch
        y_hat = self(x)
        loss = self.criterion(y_hat, y)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.hparams.learning_rate)


if __name__ == "__main__":
    pl.seed_everything(7)
    model = ChurnModel(n_features=12)
    trainer = pl.Trainer(max_epochs=30, accelerator="gpu", devices=1)
    trainer.fit(model, DataLoader(torch.load("train.pt"), batch_size=256, shuffle=True))

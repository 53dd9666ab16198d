import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


class SmallCNN(nn.Module):
    def __init__(self, in_channels=3, n_classes=4):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 32, 3, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
        )
        self.head = nn.Linear(64, n_classes)

    def forward(self, x):
        x = self.features(x)
        x = x.mean(dim=[2, 3])
        return self.head(x)


class Trainer:
    """Keras-like."""

    def __init__(self, model, loss_fn, optimizer, device="cpu"):
        self.model = model.to(device)
        self.loss_fn = loss_fn
        self.optimizer = optimizer
        self.device = device
        self.history = {"loss": []}

    def fit(self, loader, epochs=25):
        for epoch in range(epochs):
            self.model.train()
            for x, y in loader:
                x, y = x.to(self.device), y.to(self.device)
                self.optimizer.zero_grad()
                out = self.model(x)
                loss = self.loss_fn(out, y)
                loss.backward()
                self.optimizer.step()
            self.history["loss"].append(loss.item())
            print(f"epoch {epoch}: {loss.item():.3f}")
        return self.history

    @torch.no_grad()
    def evaluate(self, loader):
        self.model.eval()
        return sum((self.model(x).argmax(1) == y).sum().item() for x, y in loader)


def run():
    train_ds = TensorDataset(torch.randn(512, 3, 48, 48), torch.randint(0, 4, (512,)))
    train_dl = DataLoader(train_ds, batch_size=32, shuffle=True)
    model = SmallCNN()
    trainer = Trainer(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.01))
    trainer.fit(train_dl)


if __name__ == "__main__":
    run()

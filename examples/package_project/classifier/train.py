"""Trains the network: `python -m classifier.train`."""

import torch
from torch import nn
from torch.utils.data import DataLoader

from .config import Config
from .data import make_loaders
from .models import build_model


def evaluate(model: nn.Module, loader: DataLoader, device: torch.device) -> float:
    """The accuracy on a loader's images."""
    model.eval()
    right = 0
    with torch.no_grad():
        for images, labels in loader:
            right += (model(images.to(device)).argmax(1).cpu() == labels).sum().item()
    return right / len(loader.dataset)


def main() -> None:
    """Trains and prints the accuracy after every epoch."""
    config = Config()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train_loader, val_loader = make_loaders(config)
    model = build_model(config.model).to(device)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.train.lr, weight_decay=config.train.weight_decay)
    for epoch in range(config.train.epochs):
        model.train()
        for images, labels in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.3f}, accuracy {evaluate(model, val_loader, device):.1%}")


if __name__ == "__main__":
    main()

from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, random_split


@dataclass
class Args:
    batch_size: int = 6
    learning_rate: float = 1e-2
    num_epochs: int = 35
    hidden: int = 24


args = Args()


class Net(nn.Sequential):
    def __init__(self, hidden):
        super().__init__(nn.Linear(10, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, 1))


def main(dataset):
    train_set, val_set = random_split(dataset, [0.8, 0.2])
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=2)
    model = Net(args.hidden)
    optimizer = torch.optim.Adagrad(model.parameters(), lr=args.learning_rate)
    criterion = nn.SmoothL1Loss()
    for epoch in range(args.num_epochs):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            print(sum(criterion(model(x), y).item() for x, y in val_loader))

import argparse
import random

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def train(net, loader, optimizer):
    """One epoch."""
    net.train()
    total = 0.0
    for inputs, labels in loader:
        inputs, labels = inputs.to(device), labels.to(device)
        optimizer.zero_grad()
        loss = F.cross_entropy(net(F.interpolate(inputs, size=random.choice([24, 32, 40]))), labels)
        loss.backward()  # the gradients
        optimizer.step()
        total += loss.item() * len(inputs)
    return total / len(loader.dataset)


def evaluate(net, loader):
    net.eval()
    right = 0
    with torch.no_grad():  # no gradients
        for inputs, labels in loader:
            right += (net(inputs.to(device)).argmax(1) == labels.to(device)).sum().item()
    return right / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)  # learning rate
    args = parser.parse_args()
    torch.backends.cudnn.benchmark = True  # for speed
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 2),
    ).to(device)
    train_data = TensorDataset(torch.randn(4096, 3, 32, 32), torch.randint(2, (4096,)))
    test_data = TensorDataset(torch.randn(512, 3, 32, 32), torch.randint(2, (512,)))
    train_loader = DataLoader(train_data, batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(test_data, batch_size=256)
    optimizer = optim.AdamW(net.parameters(), lr=args.lr)
    for epoch in range(30):
        print(epoch, train(net, train_loader, optimizer), evaluate(net, test_loader))


if __name__ == "__main__":
    main()

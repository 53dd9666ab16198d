import argparse

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
        loss = F.cross_entropy(net(inputs), labels)
        loss.backward()  # the gradients
        optimizer.step()
        total = total + loss  # of the epoch
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
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    test_data = TensorDataset(torch.randn(512, 16), torch.randint(2, (512,)))
    train_loader = DataLoader(train_data, batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(test_data, batch_size=256)
    optimizer = optim.AdamW(net.parameters(), lr=args.lr)
    for epoch in range(30):
        print(epoch, train(net, train_loader, optimizer), evaluate(net, test_loader))


if __name__ == "__main__":
    main()

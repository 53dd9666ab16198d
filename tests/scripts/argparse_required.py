import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument('--data', type=str, required=True)
parser.add_argument('--width', type=int, required=True, help='channels of the first layer')
parser.add_argument('--batch-size', '-b', type=int, default=10)
parser.add_argument('--lr', default=3e-4, type=float)
parser.add_argument('--epochs', default=60, type=int)
parser.add_argument('mode', choices=['train', 'test'])


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(True), nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU(True),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * width, 5),
        )

    def forward(self, x):
        return self.body(x)


def main():
    args = parser.parse_args()
    images, labels = torch.load(args.data)
    loader = DataLoader(TensorDataset(images, labels), batch_size=args.batch_size, shuffle=True)
    model = Net(args.width)
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    ce = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        model.train()
        for x, y in loader:
            opt.zero_grad()
            ce(model(x), y).backward()
            opt.step()


if __name__ == '__main__':
    main()

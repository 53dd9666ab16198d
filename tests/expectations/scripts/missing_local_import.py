import argparse
import logging

import torch
import torch.nn as nn
from torch.utils.data import DataLoader

from ops.deform_layer import DeformableBlock
from data.loader import get_datasets

logger = logging.getLogger(__name__)


class DeformNet(nn.Module):
    def __init__(self, classes=20):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True))
        self.block = DeformableBlock(64, 128)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, classes))

    def forward(self, x):
        return self.head(self.block(self.stem(x)))


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument('--lr', type=float, default=1e-3)
    parser.add_argument('--batch', type=int, default=32)
    parser.add_argument('--epochs', type=int, default=100)
    return parser.parse_args()


def main():
    args = parse_args()
    logging.basicConfig(level=logging.INFO)
    torch.backends.cudnn.benchmark = True
    train_set, val_set = get_datasets()
    train_loader = DataLoader(train_set, args.batch, shuffle=True, num_workers=8, pin_memory=True, drop_last=True)
    val_loader = DataLoader(val_set, args.batch, num_workers=8, pin_memory=True)
    model = DeformNet().cuda()
    optimizer = torch.optim.AdamW(model.parameters(), args.lr)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        model.train()
        for images, labels in train_loader:
            loss = criterion(model(images.cuda()), labels.cuda())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(i.cuda()).argmax(1).cpu() == l).sum().item() for i, l in val_loader)
        logger.info('epoch %d loss %.4f acc %.4f', epoch, loss.item(), right / len(val_set))


if __name__ == '__main__':
    main()

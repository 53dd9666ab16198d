"""A U-Net for segmentation: skip connections across the network, sizes that must divide by 16."""

from itertools import pairwise

import torch
from torch import nn


def double_conv(inputs: int, outputs: int) -> nn.Sequential:
    """Twice 3x3 convolution, batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Up(nn.Module):
    """Doubles the resolution, then joins the feature maps that the encoder had there."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
        self.conv = double_conv(outputs * 2, outputs)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """Maps of the size of ``skip``."""
        return self.conv(torch.cat([skip, self.up(x)], dim=1))


class UNet(nn.Module):
    """Four times down and up again; one score map a class."""

    def __init__(self, channels: int = 3, classes: int = 2, width: int = 64) -> None:
        super().__init__()
        widths = [width * 2**i for i in range(5)]
        self.stem = double_conv(channels, widths[0])
        self.downs = nn.ModuleList(double_conv(a, b) for a, b in pairwise(widths))
        self.pool = nn.MaxPool2d(2)
        self.ups = nn.ModuleList(Up(a, b) for a, b in pairwise(reversed(widths)))
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of shape (N, classes, H, W) for images of shape (N, channels, H, W)."""
        x = self.stem(x)
        skips = []
        for down in self.downs:
            skips.append(x)
            x = down(self.pool(x))
        for up in self.ups:
            x = up(x, skips.pop())
        return self.head(x)


def dice_loss(scores: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """One minus the mean overlap of prediction and mask."""
    probabilities = scores.softmax(dim=1)[:, 1]
    overlap = (probabilities * masks).sum((1, 2))
    return 1 - (2 * overlap / (probabilities.sum((1, 2)) + masks.sum((1, 2)) + 1)).mean()


if __name__ == "__main__":
    net = UNet(channels=1)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    images = torch.randn(4, 1, 128, 128)
    masks = (torch.rand(4, 128, 128) > 0.5).long()
    for epoch in range(20):
        net.train()
        scores = net(images)
        loss = nn.functional.cross_entropy(scores, masks) + dice_loss(scores, masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.4f}")

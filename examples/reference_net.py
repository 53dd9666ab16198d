"""A convolutional classifier that follows the tips nnlint checks, and the training that goes with it.

nnlint has nothing to say about this file; `departing_net.py` shows what it says when the tips are not followed.

    python examples/reference_net.py --resolution 32 --epochs 20
"""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

WIDTHS = (32, 64, 128, 256, 512)


class ReferenceNet(nn.Module):
    """Stages of 3x3 convolutions, each followed by batch norm and ReLU, with max pooling between the stages.

    There are as many stages as the resolution allows, so that the last feature map is at least 4x4: five at 224x224
    (which leaves 7x7), three at 32x32, two at 16x16. A 1x1 convolution turns the last feature map into one map a class
    and global average pooling into one score a class; there is no fully connected layer.
    """

    def __init__(self, classes: int = 10, resolution: int = 224, channels: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in WIDTHS:
            if resolution < 8:
                break
            layers += [*block(channels, width), *block(width, width), nn.MaxPool2d(2)]
            channels = width
            resolution //= 2
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Conv2d(channels, classes, kernel_size=1)
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores of shape (N, classes) for images of shape (N, channels, resolution, resolution)."""
        maps = self.classifier(self.features(images))
        return self.pool(maps).flatten(1)


def block(inputs: int, outputs: int) -> list[nn.Module]:
    """One weighted layer: the batch norm brings its own bias, and the ReLU overwrites what only it reads."""
    return [
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


def gratings(count: int, classes: int, resolution: int) -> TensorDataset:
    """Noisy coloured stripes; the class is their direction. Made once, before training, and kept as bytes."""
    labels = torch.randint(classes, (count,))
    angle = labels * (torch.pi / classes)
    frequency = torch.empty(count).uniform_(0.3, 0.8)
    phase = torch.rand(count) * 2 * torch.pi
    axis = torch.arange(resolution, dtype=torch.float32)
    images = torch.empty(count, 3, resolution, resolution, dtype=torch.uint8)
    for i in range(count):
        across = axis * angle[i].cos() + axis[:, None] * angle[i].sin()
        stripes = torch.sin(frequency[i] * across + phase[i])
        colour = torch.rand(3, 1, 1)
        noise = torch.randn(3, resolution, resolution)
        images[i] = (128 + 50 * colour * stripes + 20 * noise).clamp(0, 255).to(torch.uint8)
    return TensorDataset(images, labels)


def normalise(images: torch.Tensor) -> torch.Tensor:
    """Bytes to floats about zero."""
    return images.float().sub(128).div(64)


def train_epoch(
    net: nn.Module, loader: DataLoader, loss_function: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device
) -> float:
    """One pass over the training data; returns the mean loss."""
    net.train()
    total = 0.0
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad()
        loss = loss_function(net(normalise(images)), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


def accuracy(net: nn.Module, loader: DataLoader, device: torch.device) -> float:
    """The share of images whose class has the highest score."""
    net.eval()
    right = seen = 0
    with torch.no_grad():
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            right += (net(normalise(images)).argmax(1) == labels).sum().item()
            seen += len(labels)
    return right / seen


def main() -> None:
    """Trains on gratings and prints the loss and the accuracy after every epoch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resolution", type=int, default=224)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--samples", type=int, default=2048)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=64)
    args = parser.parse_args()

    torch.backends.cudnn.benchmark = True  # every batch has the same shape, so searching the fastest kernel pays
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    train_set = gratings(args.samples, args.classes, args.resolution)
    val_set = gratings(args.samples // 4, args.classes, args.resolution)
    # the last, smaller batch is dropped: batch statistics of a few samples are poor
    train_loader = DataLoader(
        train_set, batch_size=args.batch_size, shuffle=True, drop_last=True, num_workers=2, pin_memory=True
    )
    val_loader = DataLoader(val_set, batch_size=args.batch_size, num_workers=2, pin_memory=True)

    net = ReferenceNet(args.classes, args.resolution).to(device)
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adadelta(net.parameters())  # needs no tuning, so architectures can be compared fairly

    for epoch in range(args.epochs):
        loss = train_epoch(net, train_loader, loss_function, optimizer, device)
        print(f"epoch {epoch + 1}: loss {loss:.4f}, validation accuracy {accuracy(net, val_loader, device):.1%}")


if __name__ == "__main__":
    main()

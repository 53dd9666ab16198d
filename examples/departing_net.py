"""The twin of `reference_net.py` that departs from every tip it can: `nnlint examples/departing_net.py` says where.

It takes the same images (224x224, or 16x16 and more) and gives as many scores, so that the two can be compared. Its
forward pass runs; its training stops in the first batch, because binary cross-entropy is given scores that are no
probabilities.
"""

import torch
import torch.nn.functional as F
from reference_net import gratings
from torch import nn
from torch.utils.data import DataLoader


class DepartingNet(nn.Module):
    """Large kernels without padding, saturating activations, and most of its weights in one fully connected layer."""

    def __init__(self, classes: int = 10, resolution: int = 224) -> None:
        super().__init__()
        # images of 16x16 leave nothing to pool
        window = 2 if resolution >= 32 else 1
        side = (resolution - 6) // window
        self.conv1 = nn.Conv2d(3, 32, kernel_size=7)
        self.pool1 = nn.AvgPool2d(window)

        side = (side - 4) // window
        self.conv2 = nn.Conv2d(32, 64, kernel_size=5)
        self.drop2 = nn.Dropout2d(0.5)
        self.norm2 = nn.BatchNorm2d(64)
        self.pool2 = nn.AvgPool2d(window)

        # two convolutions with nothing but a norm between them, on fewer channels than before
        side = side - 2 - 1
        self.conv3 = nn.Conv2d(64, 48, kernel_size=3)
        self.norm3 = nn.BatchNorm2d(48)
        self.conv4 = nn.Conv2d(48, 48, kernel_size=2)
        self.norm4 = nn.BatchNorm2d(48)

        self.hidden = nn.Linear(48 * side * side, 256)
        self.drop5 = nn.Dropout(0.9)
        self.norm5 = nn.BatchNorm1d(256)
        self.bottleneck = nn.Linear(256, 256)
        self.output = nn.Linear(256, classes)
        self.drop6 = nn.Dropout(0.2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of shape (N, classes) for images of shape (N, 3, resolution, resolution)."""
        x = self.pool1(torch.sigmoid(self.conv1(x)))
        x = torch.tanh(self.conv2(x))
        x = self.pool2(self.norm2(self.drop2(x)))
        x = self.norm3(self.conv3(x))
        x = self.norm4(F.relu(self.conv4(x)))
        x = torch.flatten(x, 1)
        x = torch.sigmoid(self.hidden(x))
        x = self.norm5(self.drop5(x))
        x = self.bottleneck(x)
        x = self.output(x)
        return self.drop6(x)


def main() -> None:
    """Tiny batches in the order of the files, no evaluation mode, no metrics, a handful of epochs, no GPU."""
    train_loader = DataLoader(gratings(512, 10, 224), batch_size=8)
    test_loader = DataLoader(gratings(128, 10, 224), batch_size=8)

    net = DepartingNet()
    criterion = nn.BCELoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    for _ in range(3):
        for images, labels in train_loader:
            scores = net(images.float())
            loss = criterion(scores, F.one_hot(labels, 10).float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    right = 0
    for images, labels in test_loader:
        right += (net(images.float()).argmax(1) == labels).sum()
    print(right)


if __name__ == "__main__":
    main()

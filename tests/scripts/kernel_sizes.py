import torch
import torch.nn as nn


class Kernels(nn.Module):
    """Every kernel size that is fine for a reason, and two that are not."""

    def __init__(self):
        super().__init__()
        self.patchify = nn.Conv2d(3, 32, 4, stride=4)
        self.depthwise = nn.Conv2d(32, 32, 7, padding=3, groups=32)
        self.pointwise = nn.Conv2d(32, 64, 1)
        self.row = nn.Conv2d(64, 64, (1, 7), padding=(0, 3))
        self.column = nn.Conv2d(64, 64, (7, 1), padding=(3, 0))
        self.down = nn.Conv2d(64, 64, 4, 2, 1)
        self.large = nn.Conv2d(64, 64, 5, padding=2)
        self.even = nn.Conv2d(64, 64, 2)
        self.whole = nn.Conv2d(64, 10, 7)

    def forward(self, x):
        x = torch.relu(self.patchify(x))
        x = torch.relu(self.pointwise(torch.relu(self.depthwise(x))))
        x = torch.relu(self.column(torch.relu(self.row(x))))
        x = torch.relu(self.down(x))
        x = torch.relu(self.even(torch.relu(self.large(x))))
        return self.whole(x).flatten(1)


net = Kernels()
net(torch.randn(1, 3, 64, 64))

import torch
import torch.nn as nn


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 12, 3, padding=1)
        self.conv3 = nn.Conv2d(12, 12, 3, padding=1)

    def forward(self, x):
        y = self.conv1(x)
        y.relu_()
        z = self.conv2(y)
        z += y
        z.clamp_(min=0)
        z[:, :, 0] = 0
        z.mul_(2).add_(1)
        return self.conv3(z)


net = InPlace()
out = net(torch.zeros(1, 3, 20, 24))

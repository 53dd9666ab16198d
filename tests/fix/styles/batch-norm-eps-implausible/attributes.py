import torch
import torch.nn.functional as F
from torch import nn


def block(n_in, n_out):
    layers = [nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)]
    layers.append(nn.BatchNorm2d(n_out, 0.8))  # eps?
    layers.append(nn.LeakyReLU(0.2, inplace=True))
    return layers


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(*block(3, 16), *block(16, 32))
        self.norm = nn.BatchNorm2d(32,
                                   0.8,  # not the momentum
                                   affine=True)
        self.head = nn.Conv2d(32, 1, 3, padding=1)

    def forward(self, x):
        return self.head(F.relu(self.norm(self.body(x))))


# nnlint: input=3x32x32
net = Net()

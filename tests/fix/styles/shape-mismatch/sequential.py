import torch
from torch import nn

net = nn.Sequential(
    nn.Conv2d(1, 16, 5),
    nn.ReLU(inplace=True),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(16 * 14 * 14, 10),  # counted for a padded convolution
)
print(net(torch.rand(2, 1, 28, 28)).shape)

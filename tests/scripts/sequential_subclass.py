from collections import OrderedDict

from torch import nn


class ConvBlock(nn.Sequential):
    def __init__(self, i, o):
        super().__init__(OrderedDict(conv=nn.Conv2d(i, o, 3, padding=1), norm=nn.BatchNorm2d(o), act=nn.ReLU()))


class StackedNet(nn.Sequential):
    def __init__(self, in_channels=2, width=12, classes=4):
        super().__init__()
        self.add_module("stem", ConvBlock(in_channels, width))
        self.add_module("drop", nn.Dropout2d(0.2))
        self.add_module("norm", nn.BatchNorm2d(width))
        self.add_module("pool", nn.AdaptiveAvgPool2d(1))
        self.add_module("flat", nn.Flatten())
        self.add_module("fc", nn.Linear(width, classes))

"""A file of architectures as a library has them: factories, no training, no call."""
from functools import partial

import torch
from torch import nn

__all__ = ["MicroNet", "micronet_s", "micronet_l"]


class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduction=4):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1)
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x):
        s = x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(self.fc2(torch.relu(self.fc1(s))))


class InvertedResidual(nn.Module):
    def __init__(self, inp, oup, stride, expand, norm_layer=nn.BatchNorm2d):
        super().__init__()
        hidden = inp * expand
        self.use_res = stride == 1 and inp == oup
        self.conv = nn.Sequential(
            nn.Conv2d(inp, hidden, 1, bias=False), norm_layer(hidden), nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, hidden, 5, stride, 2, groups=hidden, bias=False), norm_layer(hidden), nn.ReLU6(inplace=True),
            SqueezeExcite(hidden),
            nn.Conv2d(hidden, oup, 1, bias=False), norm_layer(oup),
        )

    def forward(self, x):
        return x + self.conv(x) if self.use_res else self.conv(x)


class MicroNet(nn.Module):
    def __init__(self, setting, num_classes=1000, dropout=0.2):
        super().__init__()
        norm = partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01)
        layers = [nn.Conv2d(3, 16, 3, 2, 1, bias=False), norm(16), nn.ReLU6(inplace=True)]
        inp = 16
        for t, c, n, s in setting:
            for i in range(n):
                layers.append(InvertedResidual(inp, c, s if i == 0 else 1, t, norm))
                inp = c
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(inp, num_classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def _micronet(setting, pretrained, **kwargs):
    model = MicroNet(setting, **kwargs)
    if pretrained:
        model.load_state_dict(torch.hub.load_state_dict_from_url("https://example.com/micronet.pth"))
    return model


def micronet_s(pretrained=False, **kwargs):
    return _micronet([(1, 16, 1, 1), (4, 24, 2, 2)], pretrained, **kwargs)


def micronet_l(pretrained=False, **kwargs):
    return _micronet([(1, 16, 1, 1), (6, 24, 2, 2), (6, 40, 3, 2)], pretrained, **kwargs)

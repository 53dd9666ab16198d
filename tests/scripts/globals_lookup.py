import sys
import argparse
import torch
import torch.nn as nn

__all__ = ['tiny', 'wide']


class Tiny(nn.Module):
    def __init__(self, k=8):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(3, k, 3, padding=1), nn.Hardswish(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(k, 2))

    def forward(self, x):
        return self.f(x)


def tiny(**kwargs):
    return Tiny(8, **kwargs)


def wide(**kwargs):
    return Tiny(80, **kwargs)


model_names = sorted(name for name in globals() if name.islower() and not name.startswith("__") and callable(globals()[name]))

parser = argparse.ArgumentParser()
parser.add_argument('--arch', '-a', default='wide', choices=model_names)
args = parser.parse_args()

model = getattr(sys.modules[__name__], args.arch)()
# another way people write it
model2 = globals()['tiny']()

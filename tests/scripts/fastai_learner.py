from fastai.vision.all import *
import torch
import torch.nn as nn

path = untar_data(URLs.PETS)
dls = ImageDataLoaders.from_folder(path, bs=64, item_tfms=Resize(128))


def conv_block(ni, nf, stride=2):
    return nn.Sequential(nn.Conv2d(ni, nf, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(nf), nn.ReLU(inplace=True))


class SimpleCNN(nn.Module):
    def __init__(self, c_in=3, n_out=37):
        super().__init__()
        self.body = nn.Sequential(conv_block(c_in, 16), conv_block(16, 32), conv_block(32, 64), conv_block(64, 128))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, n_out))

    def forward(self, xb):
        return self.head(self.body(xb))


learn = Learner(dls, SimpleCNN(), loss_func=CrossEntropyLossFlat(), metrics=[accuracy, error_rate], cbs=[MixUp()])
learn.fit_one_cycle(10, 1e-3)
learn.export('pets.pkl')

import inspect

import torch
import torch.nn as nn


class Registry:
    def __init__(self, name):
        self._name = name
        self._module_dict = dict()

    def register_module(self, name=None):
        def _register(cls):
            if not inspect.isclass(cls):
                raise TypeError('module must be a class, but got {}'.format(type(cls)))
            self._module_dict[name or cls.__name__] = cls
            return cls
        return _register

    def get(self, key):
        return self._module_dict.get(key, None)


BACKBONES = Registry('backbone')
HEADS = Registry('head')
CLASSIFIERS = Registry('classifier')


def build_from_cfg(cfg, registry):
    args = cfg.copy()
    obj_type = args.pop('type')
    obj_cls = registry.get(obj_type)
    if obj_cls is None:
        raise KeyError('{} is not in the registry'.format(obj_type))
    return obj_cls(**args)


@BACKBONES.register_module()
class ConvBackbone(nn.Module):
    def __init__(self, in_channels=3, widths=(16, 32)):
        super().__init__()
        self.layers = nn.ModuleList()
        for w in widths:
            self.layers.append(nn.Sequential(nn.Conv2d(in_channels, w, 5, padding=2), nn.BatchNorm2d(w), nn.ReLU()))
            in_channels = w

    def forward(self, x):
        outs = []
        for layer in self.layers:
            x = layer(x)
            outs.append(x)
        return tuple(outs)


@HEADS.register_module(name='LinearClsHead')
class LinearHead(nn.Module):
    def __init__(self, num_classes, in_channels):
        super().__init__()
        self.fc = nn.Linear(in_channels, num_classes)

    def forward(self, feats):
        return self.fc(feats[-1].mean(dim=(2, 3)))


@CLASSIFIERS.register_module()
class ImageClassifier(nn.Module):
    def __init__(self, backbone, head):
        super().__init__()
        self.backbone = build_from_cfg(backbone, BACKBONES)
        self.head = build_from_cfg(head, HEADS)

    def forward(self, img):
        return self.head(self.backbone(img))


model_cfg = dict(
    type='ImageClassifier',
    backbone=dict(type='ConvBackbone', widths=(16, 32)),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=32))

model = build_from_cfg(model_cfg, CLASSIFIERS)

optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

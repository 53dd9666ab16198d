import sys

import torch
import torch.nn as nn
import yaml

config = yaml.safe_load(open(sys.argv[1] if len(sys.argv) > 1 else "configs/default.yaml"))


class Regressor(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        layers = []
        last = cfg["n_inputs"]
        for size in cfg["hidden_sizes"]:
            layers += [nn.Linear(last, size), nn.ReLU()]
            last = size
        layers.append(nn.Linear(last, 1))
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


model = Regressor(config["model"])
optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])

import torch
from torch import nn

# nnlint: input=16
net = nn.Sequential(
    nn.Linear(16, 32),
    nn.Tanh(),
    nn.Dropout(0.5, inplace=True),  # saves memory
    nn.Linear(32, 32), nn.Sigmoid(), nn.LeakyReLU(0.1, True),  # saves more
    nn.Linear(32, 2),
)

import torch
from torch import nn

# nnlint: input=16
net = nn.Sequential(
    nn.Linear(16, 64, bias=False),
    nn.Dropout(0.3),     # weak
    nn.BatchNorm1d(64),  # its statistics
    nn.ReLU(inplace=True),
    nn.Linear(64, 2),
)

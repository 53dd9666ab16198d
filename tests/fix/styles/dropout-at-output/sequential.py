import torch
from torch import nn

# nnlint: input=16
net = nn.Sequential(
    nn.Linear(16, 64),
    nn.ReLU(inplace=True),
    nn.Linear(64, 2),  # the scores
    nn.Dropout(0.5)    # against overfitting
)

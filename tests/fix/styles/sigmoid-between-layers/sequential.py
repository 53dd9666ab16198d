import torch
from torch import nn

# nnlint: input=784
net = nn.Sequential(
    nn.Linear(784, 128),
    nn.Sigmoid(),  # saturates
    nn.Linear(128, 64), torch.nn.Sigmoid(),
    nn.Linear(64, 10),
)

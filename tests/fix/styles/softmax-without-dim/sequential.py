import torch
from torch import nn

# nnlint: input=20
net = nn.Sequential(
    nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 10), nn.Softmax()  # over the classes
)

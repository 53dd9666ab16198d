import torch
import torch.nn as nn


class Encoder(nn.Module):
    def __init__(self, n_in=24, n_z=6):
        super().__init__()
        self.a = nn.Linear(n_in, 48)
        self.b = nn.Linear(48, n_z)

    def encode(self, x):
        return self.b(torch.relu(self.a(x)))


enc = Encoder()
z = enc.encode(torch.randn(10, 24))

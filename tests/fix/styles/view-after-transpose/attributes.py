import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(32, 96)
        self.out = nn.Linear(32, 32)

    def forward(self, x):
        q, k, v = self.qkv(x).reshape(-1, 16, 3, 4, 8).permute(2, 0, 3, 1, 4)
        x = torch.softmax(q @ k.transpose(-2, -1) * 8**-0.5, -1) @ v
        x = (
            x.transpose(1, 2)
            .view(-1, 16, 32)  # the heads put together
        )
        return self.out(x)


# nnlint: input=16x32
net = Attention()

import torch
from torch import nn

torch.set_float32_matmul_precision('high')


class FeedForward(nn.Module):
    def __init__(self, dim=64, mult=4):
        super().__init__()
        self.w1 = nn.Linear(dim, dim * mult, bias=False)
        self.w2 = nn.Linear(dim * mult, dim, bias=False)
        self.w3 = nn.Linear(dim, dim * mult, bias=False)

    @torch.compile
    def forward(self, x):
        return self.w2(nn.functional.silu(self.w1(x)) * self.w3(x))


model = torch.compile(FeedForward(), mode="max-autotune")
model(torch.randn(2, 16, 64))

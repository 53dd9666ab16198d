import torch
import torch.nn as nn


class DropPath(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if self.p == 0. or not self.training:
            return x
        keep = 1 - self.p
        mask = torch.rand(x.shape[0], *[1] * (x.dim() - 1), device=x.device).add_(keep).floor_()
        return x.div(keep) * mask


class ConvNextBlock(nn.Module):
    def __init__(self, dim, drop):
        super().__init__()
        self.dw = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim)
        self.pw1 = nn.Linear(dim, 4 * dim)
        self.act = nn.GELU()
        self.pw2 = nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(1e-6 * torch.ones(dim))
        self.drop_path = DropPath(drop) if drop > 0. else nn.Identity()

    def forward(self, x):
        y = self.dw(x).permute(0, 2, 3, 1)
        y = self.gamma * self.pw2(self.act(self.pw1(self.norm(y))))
        return x + self.drop_path(y.permute(0, 3, 1, 2))


class ConvNext(nn.Module):
    def __init__(self, depth=3, dim=24, drop_path_rate=0.2):
        super().__init__()
        self.stem = nn.Conv2d(3, dim, 4, stride=4)
        rates = [x.item() for x in torch.linspace(0, drop_path_rate, depth)]
        self.blocks = nn.Sequential(*[ConvNextBlock(dim, r) for r in rates])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 10)

    def forward(self, x):
        x = self.blocks(self.stem(x))
        return self.head(self.norm(x.mean([-2, -1])))


model = ConvNext()

import torch
import torch.nn as nn


class Fusion(nn.Module):
    def __init__(self, meta_dim=7, n=2):
        super().__init__()
        self.image = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.meta = nn.Sequential(nn.Linear(meta_dim, 8), nn.ReLU())
        self.head = nn.Linear(16, n)

    def forward(self, image, meta):
        return self.head(torch.cat([self.image(image), self.meta(meta)], dim=1))


model = Fusion()
image = torch.randn(4, 3, 56, 56)
meta = torch.randn(4, 7)
logits = model(image, meta=meta)

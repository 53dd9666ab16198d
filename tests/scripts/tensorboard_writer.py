import torch
import torch.nn as nn
from torch.utils.tensorboard import SummaryWriter
import wandb

wandb.init(project="segmentation", config={"lr": 1e-3})
writer = SummaryWriter("runs/exp1")


class Segmenter(nn.Module):
    def __init__(self, nc=3, n=5):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(nc, 16, 3, stride=2, padding=1), nn.ReLU(inplace=True))
        self.mid = nn.Sequential(nn.Conv2d(16, 16, 3, padding=2, dilation=2), nn.ReLU(inplace=True))
        self.up = nn.Upsample(scale_factor=2, mode='bilinear', align_corners=False)
        self.out = nn.Conv2d(16, n, 1)

    def forward(self, x):
        return self.out(self.up(self.mid(self.down(x))))


model = Segmenter()
writer.add_graph(model, torch.rand(1, 3, 96, 96))
writer.close()

import torch
import torch.nn as nn


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find('Conv') != -1:
        m.weight.data.normal_(0.0, 0.02)
    elif classname.find('BatchNorm') != -1:
        m.weight.data.normal_(1.0, 0.02)
        m.bias.data.fill_(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(1, 10, 3, padding=1), nn.BatchNorm2d(10), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(10, 3))

    def forward(self, x):
        return self.main(x)


net = Net()
net.apply(weights_init)
checkpoint = torch.load("checkpoints/best.pth.tar", map_location="cpu")
net.load_state_dict(checkpoint["state_dict"])
start_epoch = checkpoint["epoch"]

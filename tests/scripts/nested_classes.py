import torch.nn as nn


class Detector(nn.Module):
    class Stem(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.conv = nn.Conv2d(3, c, 3, 2, 1)
            self.act = nn.ReLU()

        def forward(self, x):
            return self.act(self.conv(x))

    class Config:
        width = 20
        anchors = 9

    def __init__(self):
        super().__init__()
        self.stem = self.Stem(self.Config.width)
        self.head = nn.Conv2d(self.Config.width, self.Config.anchors * 5, 1)

    def forward(self, x):
        return self.head(self.stem(x))

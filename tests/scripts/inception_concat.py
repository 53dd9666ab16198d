import torch
import torch.nn as nn


class ConvBNReLU(nn.Sequential):
    def __init__(self, i, o, k, p=0):
        super().__init__(nn.Conv2d(i, o, k, padding=p, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


class Inception(nn.Module):
    def __init__(self, i, a, b, c, d):
        super().__init__()
        self.b1 = ConvBNReLU(i, a, 1)
        self.b2 = nn.Sequential(ConvBNReLU(i, b, 1), ConvBNReLU(b, b, 3, 1))
        self.b3 = nn.Sequential(ConvBNReLU(i, c, 1), ConvBNReLU(c, c, 3, 1), ConvBNReLU(c, c, 3, 1))
        self.b4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), ConvBNReLU(i, d, 1))

    def forward(self, x):
        return torch.cat([self.b1(x), self.b2(x), self.b3(x), self.b4(x)], 1)


class GoogLeNetLike(nn.Module):
    def __init__(self, n_classes=20):
        super().__init__()
        self.stem = ConvBNReLU(3, 32, 3, 1)
        self.a = Inception(32, 16, 24, 8, 16)
        self.b = Inception(64, 32, 48, 16, 32)
        self.pool = nn.MaxPool2d(2)
        self.drop = nn.Dropout(0.4)
        self.fc = nn.Linear(128, n_classes)

    def forward(self, x):
        x = self.b(self.pool(self.a(self.stem(x))))
        return self.fc(self.drop(x.mean((2, 3))))


if __name__ == "__main__":
    summary(GoogLeNetLike(), (3, 64, 64))

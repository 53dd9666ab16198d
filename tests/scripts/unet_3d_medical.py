"""3D U-Net for brain scans, patches of 64x64x64."""
import torch
import torch.nn as nn
import nibabel as nib
from monai.transforms import Compose, RandFlipd

PATCH = (64, 64, 64)


class ConvBlock(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv3d(cin, cout, 3, padding=1), nn.InstanceNorm3d(cout), nn.LeakyReLU(inplace=True),
            nn.Conv3d(cout, cout, 3, padding=1), nn.InstanceNorm3d(cout), nn.LeakyReLU(inplace=True))

    def forward(self, x):
        return self.block(x)


class UNet3D(nn.Module):
    def __init__(self, in_channels=4, n_classes=3, f=8):
        super().__init__()
        self.e1, self.e2, self.e3 = ConvBlock(in_channels, f), ConvBlock(f, 2 * f), ConvBlock(2 * f, 4 * f)
        self.pool = nn.MaxPool3d(2)
        self.u2 = nn.ConvTranspose3d(4 * f, 2 * f, 2, stride=2)
        self.d2 = ConvBlock(4 * f, 2 * f)
        self.u1 = nn.ConvTranspose3d(2 * f, f, 2, stride=2)
        self.d1 = ConvBlock(2 * f, f)
        self.out = nn.Conv3d(f, n_classes, 1)

    def forward(self, x):
        e1 = self.e1(x)
        e2 = self.e2(self.pool(e1))
        e3 = self.e3(self.pool(e2))
        d2 = self.d2(torch.cat([e2, self.u2(e3)], 1))
        d1 = self.d1(torch.cat([e1, self.u1(d2)], 1))
        return torch.sigmoid(self.out(d1))


def main():
    model = UNet3D().cuda()
    opt = torch.optim.Adam(model.parameters(), 1e-4)
    loss_fn = nn.BCELoss()
    for step in range(1000):
        x = torch.randn(2, 4, *PATCH).cuda()
        y = torch.randint(0, 2, (2, 3, *PATCH)).float().cuda()
        loss = loss_fn(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()


if __name__ == '__main__':
    main()

import torch
import torch.nn as nn
import torch.autograd as autograd

Z_DIM, LAMBDA, BATCH_SIZE, CRITIC_ITERS = 64, 10, 64, 5
LR = 1e-4


class G(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(Z_DIM, 4 * 4 * 128), nn.BatchNorm1d(4 * 4 * 128), nn.ReLU(True))
        self.up = nn.Sequential(
            nn.Upsample(scale_factor=2), nn.Conv2d(128, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(True),
            nn.Upsample(scale_factor=2), nn.Conv2d(64, 3, 3, padding=1), nn.Tanh())

    def forward(self, z):
        return self.up(self.fc(z).view(-1, 128, 4, 4))


class D(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.utils.spectral_norm(nn.Conv2d(3, 64, 3, 2, 1)), nn.LeakyReLU(0.2, True),
            nn.utils.spectral_norm(nn.Conv2d(64, 128, 3, 2, 1)), nn.LeakyReLU(0.2, True))
        self.out = nn.Linear(4 * 4 * 128, 1)

    def forward(self, x):
        return self.out(self.net(x).flatten(1)).squeeze(1)


def gradient_penalty(netD, real, fake):
    alpha = torch.rand(real.size(0), 1, 1, 1)
    mixed = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    grads = autograd.grad(netD(mixed).sum(), mixed, create_graph=True)[0]
    return ((grads.flatten(1).norm(2, dim=1) - 1) ** 2).mean() * LAMBDA


netG, netD = G(), D()
optG = torch.optim.Adam(netG.parameters(), lr=LR, betas=(0.0, 0.9))
optD = torch.optim.Adam(netD.parameters(), lr=LR, betas=(0.0, 0.9))


def step(real):
    for _ in range(CRITIC_ITERS):
        fake = netG(torch.randn(BATCH_SIZE, Z_DIM)).detach()
        loss_d = netD(fake).mean() - netD(real).mean() + gradient_penalty(netD, real, fake)
        optD.zero_grad()
        loss_d.backward()
        optD.step()
    loss_g = -netD(netG(torch.randn(BATCH_SIZE, Z_DIM))).mean()
    optG.zero_grad()
    loss_g.backward()
    optG.step()

"""Two networks trained against each other (a DCGAN for 64x64 images): nnlint checks both, and what the loss judges.

Two faults stop or spoil the training: nnlint names them.
"""

import argparse

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--latent", type=int, default=100)
parser.add_argument("--width", type=int, default=64)
parser.add_argument("--batch-size", type=int, default=8)
parser.add_argument("--epochs", type=int, default=25)
opt = parser.parse_args()


class Generator(nn.Module):
    """Noise of shape (N, latent, 1, 1) to images of shape (N, 3, 64, 64) in -1 … 1."""

    def __init__(self, latent: int, width: int) -> None:
        super().__init__()

        def up(inputs: int, outputs: int, stride: int = 2, padding: int = 1) -> list[nn.Module]:
            return [
                nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(True),
            ]

        self.main = nn.Sequential(
            *up(latent, width * 8, 1, 0),
            *up(width * 8, width * 4),
            *up(width * 4, width * 2),
            *up(width * 2, width),
            nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, noise: torch.Tensor) -> torch.Tensor:
        """The images."""
        return self.main(noise)


class Discriminator(nn.Module):
    """Images of shape (N, 3, 64, 64) to one score each. Its loss wants probabilities: the sigmoid is missing."""

    def __init__(self, width: int) -> None:
        super().__init__()

        def down(inputs: int, outputs: int) -> list[nn.Module]:
            return [
                nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.LeakyReLU(0.2, inplace=True),
            ]

        self.main = nn.Sequential(
            nn.Conv2d(3, width, 4, 2, 1),
            nn.LeakyReLU(0.2, inplace=True),
            *down(width, width * 2),
            *down(width * 2, width * 4),
            *down(width * 4, width * 8),
            nn.Conv2d(width * 8, 1, 4, 1, 0),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The scores, of shape (N,)."""
        return self.main(images).flatten()


device = "cuda" if torch.cuda.is_available() else "cpu"
loader = DataLoader(TensorDataset(torch.randn(64, 3, 64, 64).clamp(-1, 1)), batch_size=opt.batch_size, shuffle=True)

generator = Generator(opt.latent, opt.width).to(device)
discriminator = Discriminator(opt.width).to(device)
adversarial_loss = nn.BCELoss()
optimizer_g = optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
optimizer_d = optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))

for epoch in range(opt.epochs):
    for (images,) in loader:
        real = images.to(device)
        ones = torch.ones(len(real), device=device)
        zeros = torch.zeros(len(real), device=device)

        fake = generator(torch.randn(len(real), opt.latent, 1, 1, device=device))
        optimizer_d.zero_grad()
        real_loss = adversarial_loss(discriminator(real), ones)
        fake_loss = adversarial_loss(discriminator(fake.detach()), zeros)
        d_loss = (real_loss + fake_loss) / 2
        d_loss.backward()
        optimizer_d.step()

        optimizer_g.zero_grad()
        g_loss = adversarial_loss(discriminator(fake), ones)
        g_loss.backward()
        optimizer_g.step()

    print(f"epoch {epoch}: discriminator {d_loss.item():.3f}, generator {g_loss.item():.3f}")

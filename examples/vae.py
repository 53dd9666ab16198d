"""A variational autoencoder: random numbers inside the network, several outputs, a loss of two terms."""

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor


class VAE(nn.Module):
    """784 pixels to a code of a few numbers and back."""

    def __init__(self, hidden: int = 400, latent: int = 20) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, hidden), nn.ReLU(inplace=True))
        self.to_mean = nn.Linear(hidden, latent)
        self.to_logvar = nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(
            nn.Linear(latent, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, 784), nn.Sigmoid()
        )

    def sample(self, mean: torch.Tensor, logvar: torch.Tensor) -> torch.Tensor:
        """A random code from the distribution that the encoder gives."""
        return mean + torch.randn_like(mean) * torch.exp(0.5 * logvar)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The reconstruction of shape (N, 784), and mean and log-variance of the code."""
        h = self.encoder(x.view(-1, 784))
        mean, logvar = self.to_mean(h), self.to_logvar(h)
        return self.decoder(self.sample(mean, logvar)), mean, logvar


def vae_loss(reconstruction: torch.Tensor, x: torch.Tensor, mean: torch.Tensor, logvar: torch.Tensor) -> torch.Tensor:
    """How far the picture is off, plus how far the code is from a standard normal distribution."""
    pixels = F.binary_cross_entropy(reconstruction, x.view(-1, 784), reduction="sum")
    divergence = -0.5 * torch.sum(1 + logvar - mean.pow(2) - logvar.exp())
    return pixels + divergence


def main() -> None:
    """Trains for twenty epochs."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    loader = DataLoader(MNIST("data", download=True, transform=ToTensor()), batch_size=128, shuffle=True)
    model = VAE().to(device)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(20):
        model.train()
        total = 0.0
        for images, _ in loader:
            images = images.to(device)
            optimizer.zero_grad()
            reconstruction, mean, logvar = model(images)
            loss = vae_loss(reconstruction, images, mean, logvar)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: {total / len(loader.dataset):.3f}")


if __name__ == "__main__":
    main()

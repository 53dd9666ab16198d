import torch
import torch.nn as nn
import torch.nn.functional as F


class Reshape(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.shape = shape

    def forward(self, x):
        return x.view(-1, *self.shape)


class ConvVAE(nn.Module):
    def __init__(self, z_dim=16, img_channels=1):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(img_channels, 32, 4, 2, 1), nn.LeakyReLU(),
            nn.Conv2d(32, 64, 4, 2, 1), nn.LeakyReLU(),
            nn.Flatten(),
        )
        self.mu = nn.Linear(64 * 7 * 7, z_dim)
        self.logvar = nn.Linear(64 * 7 * 7, z_dim)
        self.decoder = nn.Sequential(
            nn.Linear(z_dim, 64 * 7 * 7), nn.LeakyReLU(), Reshape(64, 7, 7),
            nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.LeakyReLU(),
            nn.ConvTranspose2d(32, img_channels, 4, 2, 1),
        )

    def reparameterize(self, mu, logvar):
        if self.training:
            std = torch.exp(0.5 * logvar)
            eps = torch.randn_like(std)
            return mu + eps * std
        return mu

    def forward(self, x):
        h = self.encoder(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = self.reparameterize(mu, logvar)
        return self.decoder(z), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    BCE = F.binary_cross_entropy(recon_x, x, reduction='sum')
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + KLD


vae = ConvVAE()
optimizer = torch.optim.Adam(vae.parameters(), lr=2e-3)


def train(epoch, loader):
    vae.train()
    for data, _ in loader:
        optimizer.zero_grad()
        recon_batch, mu, logvar = vae(data)
        loss = loss_function(recon_batch, data, mu, logvar)
        loss.backward()
        optimizer.step()


if __name__ == '__main__':
    x = torch.rand(8, 1, 28, 28)
    out, _, _ = vae(x)
    assert out.shape == x.shape

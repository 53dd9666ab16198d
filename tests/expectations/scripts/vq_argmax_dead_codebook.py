import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


class Encoder(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 64, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 128, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(128, dim, 3, padding=1),
        )

    def forward(self, x):
        return self.net(x)


class Decoder(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.net = nn.Sequential(
            nn.ConvTranspose2d(dim, 128, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 3, 3, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, z):
        return self.net(z)


class DiscreteAE(nn.Module):
    def __init__(self, dim=64, n_codes=512):
        super().__init__()
        self.encoder = Encoder(dim)
        self.codebook = nn.Embedding(n_codes, dim)
        self.decoder = Decoder(dim)

    def quantize(self, z):
        flat = z.permute(0, 2, 3, 1).reshape(-1, z.shape[1])
        dist = torch.cdist(flat, self.codebook.weight)
        codes = dist.argmin(dim=1)
        q = self.codebook(codes).view(z.shape[0], z.shape[2], z.shape[3], z.shape[1])
        return q.permute(0, 3, 1, 2)

    def forward(self, x):
        return self.decoder(self.quantize(self.encoder(x)))


if __name__ == "__main__":
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cudnn.benchmark = True
    ds = datasets.CIFAR10("./data", train=True, download=True, transform=transforms.ToTensor())
    dl = DataLoader(ds, batch_size=128, shuffle=True, num_workers=4, pin_memory=True)
    ae = DiscreteAE().to(device)
    opt = torch.optim.Adam(ae.parameters(), 3e-4)
    for epoch in range(50):
        tot = 0.
        for img, _ in dl:
            img = img.to(device)
            loss = F.mse_loss(ae(img), img)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item()
        print(epoch, tot / len(dl))
    torch.save(ae.state_dict(), "dae.pt")

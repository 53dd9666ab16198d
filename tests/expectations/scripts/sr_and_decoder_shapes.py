import os
import torch
import torch.nn as nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

BATCH = 64
NOISE = 0.3
EPOCHS = 30
dev = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")


class DenoisingAE(nn.Module):
    def __init__(self):
        super(DenoisingAE, self).__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 64, 3, padding=1),
            nn.ReLU(True),
            nn.AvgPool2d(2, 2),
            nn.Conv2d(64, 32, 3, padding=1),
            nn.ReLU(True),
            nn.AvgPool2d(2, 2),
            nn.Conv2d(32, 16, 3, padding=1),
            nn.ReLU(True),
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(16, 32, 3, stride=2, padding=1, output_padding=1),
            nn.ReLU(True),
            nn.ConvTranspose2d(32, 64, 3, stride=2, padding=1, output_padding=1),
            nn.ReLU(True),
            nn.Conv2d(64, 1, 3, padding=1),
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


def psnr(mse):
    return -10 * torch.log10(mse)


def main():
    torch.backends.cudnn.benchmark = True
    os.makedirs("out", exist_ok=True)
    train_dl = DataLoader(datasets.MNIST("data", train=True, transform=transforms.ToTensor(), download=True),
                          batch_size=BATCH, shuffle=True, num_workers=2, pin_memory=True)
    test_dl = DataLoader(datasets.MNIST("data", train=False, transform=transforms.ToTensor()), batch_size=256)
    net = DenoisingAE().to(dev)
    opt = torch.optim.SGD(net.parameters(), lr=1e-5, momentum=0.9)
    criterion = nn.MSELoss(reduction="sum")
    for ep in range(EPOCHS):
        net.train()
        acc = 0.0
        for img, _ in train_dl:
            img = img.to(dev)
            noisy = (img + NOISE * torch.randn_like(img)).clamp(0, 1)
            loss = criterion(net(noisy), img)
            opt.zero_grad()
            loss.backward()
            opt.step()
            acc += loss.item()
        net.eval()
        with torch.no_grad():
            img = next(iter(test_dl))[0].to(dev)
            rec = net((img + NOISE * torch.randn_like(img)).clamp(0, 1))
            print(ep, acc / len(train_dl.dataset), "PSNR", psnr(((rec - img) ** 2).mean()).item())
        torch.save(net.state_dict(), f"out/dae_{ep:03d}.pt")


if __name__ == "__main__":
    main()

import yaml
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

CONFIG = yaml.safe_load("""
epochs: 60
batch_size: 64
lr: 0.001
""")


class TextureNet(nn.Module):
    def __init__(self, n_textures=47, width=48):
        super().__init__()
        self.conv_in = nn.Conv2d(3, width, 4, padding="same", bias=False)
        self.bn_in = nn.BatchNorm2d(width)
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(4))
        self.bns = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(4))
        self.act = nn.ReLU(inplace=True)
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.out = nn.Linear(width, n_textures)

    def forward(self, x):
        x = self.act(self.bn_in(self.conv_in(x)))
        for conv, bn in zip(self.convs, self.bns):
            x = self.act(bn(conv(x)))
        return self.out(self.gap(x).flatten(1))


def loaders(bs):
    norm = transforms.Normalize((0.53, 0.47, 0.42), (0.27, 0.26, 0.27))
    aug = transforms.Compose([transforms.RandomCrop(64), transforms.RandomHorizontalFlip(), transforms.ToTensor(), norm])
    plain = transforms.Compose([transforms.CenterCrop(64), transforms.ToTensor(), norm])
    return (DataLoader(datasets.DTD("dtd", split="train", transform=aug, download=True), bs, shuffle=True,
                       num_workers=4, pin_memory=True),
            DataLoader(datasets.DTD("dtd", split="val", transform=plain, download=True), bs, num_workers=4))


if __name__ == "__main__":
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    train_loader, val_loader = loaders(CONFIG["batch_size"])
    model = TextureNet().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=CONFIG["lr"])
    criterion = nn.CrossEntropyLoss()
    for epoch in range(CONFIG["epochs"]):
        model.train()
        running = 0.0
        for x, y in train_loader:
            x, y = x.to(device), y.to(device)
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            running += loss.item()
        model.eval()
        with torch.no_grad():
            good = sum((model(x.to(device)).argmax(1).cpu() == y).sum().item() for x, y in val_loader)
        print(epoch, running / len(train_loader), good / len(val_loader.dataset))

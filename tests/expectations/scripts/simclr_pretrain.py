import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import STL10


class TwoViews:
    def __init__(self, base):
        self.base = base

    def __call__(self, x):
        return [self.base(x), self.base(x)]


def block(c_in, c_out):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU(inplace=True),
    )


class SimCLR(nn.Module):
    def __init__(self, dim=128):
        super().__init__()
        self.encoder = nn.Sequential(block(3, 64), block(64, 128), block(128, 256), block(256, 512),
                                     nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.projector = nn.Sequential(nn.Linear(512, 512, bias=False), nn.BatchNorm1d(512), nn.ReLU(inplace=True),
                                       nn.Linear(512, dim))

    def forward(self, x):
        return self.projector(self.encoder(x))


def info_nce_loss(features, temperature, device):
    n = features.shape[0] // 2
    labels = torch.cat([torch.arange(n) for _ in range(2)], dim=0)
    labels = (labels.unsqueeze(0) == labels.unsqueeze(1)).float().to(device)
    features = F.normalize(features, dim=1)
    similarity = features @ features.T
    mask = torch.eye(labels.shape[0], dtype=torch.bool, device=device)
    labels = labels[~mask].view(labels.shape[0], -1)
    similarity = similarity[~mask].view(similarity.shape[0], -1)
    positives = similarity[labels.bool()].view(labels.shape[0], -1)
    negatives = similarity[~labels.bool()].view(similarity.shape[0], -1)
    logits = torch.cat([positives, negatives], dim=1) / temperature
    return logits, torch.zeros(logits.shape[0], dtype=torch.long, device=device)


def main(epochs=200, batch_size=256, lr=3e-4, wd=1e-4, temperature=0.07):
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    torch.backends.cudnn.benchmark = True
    jitter = transforms.ColorJitter(0.8, 0.8, 0.8, 0.2)
    augment = transforms.Compose([
        transforms.RandomResizedCrop(96), transforms.RandomHorizontalFlip(),
        transforms.RandomApply([jitter], p=0.8), transforms.RandomGrayscale(p=0.2), transforms.ToTensor()])
    dataset = STL10('./datasets', split='unlabeled', transform=TwoViews(augment), download=True)
    loader = DataLoader(dataset, batch_size=batch_size, shuffle=True, num_workers=12, pin_memory=True, drop_last=True)

    model = SimCLR().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr, weight_decay=wd)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=len(loader))
    criterion = nn.CrossEntropyLoss().to(device)
    scaler = torch.amp.GradScaler(device.type)
    for epoch in range(epochs):
        for images, _ in loader:
            images = torch.cat(images, dim=0).to(device)
            with torch.autocast(device.type):
                logits, labels = info_nce_loss(model(images), temperature, device)
                loss = criterion(logits, labels)
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        if epoch >= 10:
            scheduler.step()
        print(f"Epoch: {epoch}\tLoss: {loss.item()}")
    torch.save(model.encoder.state_dict(), 'simclr_encoder.pth')


if __name__ == "__main__":
    main()

import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision.transforms as tt
from torch.utils.data import DataLoader
from torchvision.datasets import CIFAR10


class BasicConv2d(nn.Module):
    def __init__(self, in_ch, out_ch, **kw):
        super().__init__()
        self.conv = nn.Conv2d(in_ch, out_ch, bias=False, **kw)
        self.bn = nn.BatchNorm2d(out_ch)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Inception(nn.Module):
    def __init__(self, in_ch, out_ch):
        super().__init__()
        q = out_ch // 4
        self.b1 = BasicConv2d(in_ch, q, kernel_size=1)
        self.b2 = nn.Sequential(BasicConv2d(in_ch, q, kernel_size=1), BasicConv2d(q, 2 * q, kernel_size=3, padding=1))
        self.b3 = nn.Sequential(BasicConv2d(in_ch, q, kernel_size=1), BasicConv2d(q, q, kernel_size=3, padding=1))
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), BasicConv2d(in_ch, q, kernel_size=1))

    def forward(self, x):
        b1 = self.b1(x)
        b2 = self.b2(x)
        b3 = self.b3(x)
        bp = self.pool(x)
        return torch.cat([b1, b2, b3], 1)


class GoogLeNetSmall(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.stem = BasicConv2d(3, 64, kernel_size=3, padding=1)
        self.inc1 = Inception(64, 128)
        self.inc2 = Inception(128, 256)
        self.down = nn.MaxPool2d(2)
        self.aux = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, classes))
        self.drop = nn.Dropout(0.4)
        self.fc = nn.Linear(256, classes)

    def forward(self, x):
        x = self.down(self.stem(x))
        x = self.down(self.inc1(x))
        x = self.down(self.inc2(x))
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.fc(self.drop(x))


stats = ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
train_tfms = tt.Compose([tt.RandomCrop(32, padding=4, padding_mode='reflect'), tt.RandomHorizontalFlip(), tt.ToTensor(), tt.Normalize(*stats)])
valid_tfms = tt.Compose([tt.ToTensor(), tt.Normalize(*stats)])
train_dl = DataLoader(CIFAR10('data/', train=True, transform=train_tfms), 128, shuffle=True, num_workers=3, pin_memory=True)
valid_dl = DataLoader(CIFAR10('data/', train=False, transform=valid_tfms), 256, num_workers=3, pin_memory=True)


def get_lr(optimizer):
    for param_group in optimizer.param_groups:
        return param_group['lr']


@torch.no_grad()
def evaluate(model, val_loader):
    model.eval()
    outs = [(model(x.cuda()).argmax(1) == y.cuda()).float().mean() for x, y in val_loader]
    return torch.stack(outs).mean().item()


def fit_one_cycle(epochs, max_lr, model, train_loader, val_loader, grad_clip=0.1):
    torch.cuda.empty_cache()
    history = []
    optimizer = torch.optim.Adam(model.parameters(), max_lr, weight_decay=1e-4)
    sched = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr, epochs=epochs, steps_per_epoch=len(train_loader))
    for epoch in range(epochs):
        model.train()
        train_losses = []
        for images, labels in train_loader:
            loss = F.cross_entropy(model(images.cuda()), labels.cuda())
            train_losses.append(loss.detach())
            loss.backward()
            nn.utils.clip_grad_value_(model.parameters(), grad_clip)
            optimizer.step()
            optimizer.zero_grad()
            sched.step()
        history.append(evaluate(model, val_loader))
        print("Epoch [{}], last_lr: {:.5f}, train_loss: {:.4f}, val_acc: {:.4f}".format(
            epoch, get_lr(optimizer), torch.stack(train_losses).mean().item(), history[-1]))
    return history


history = fit_one_cycle(30, 0.01, GoogLeNetSmall().cuda(), train_dl, valid_dl)

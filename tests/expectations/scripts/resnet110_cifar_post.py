import torch, torch.nn as nn, torch.nn.functional as F
from torchvision import datasets as D, transforms as T


class LambdaLayer(nn.Module):
    def __init__(self, lambd):
        super().__init__()
        self.lambd = lambd

    def forward(self, x):
        return self.lambd(x)


class Block(nn.Module):
    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.shortcut = nn.Sequential()
        if stride != 1 or cin != cout:
            self.shortcut = LambdaLayer(lambda x: F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, cout // 4, cout // 4)))

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + self.shortcut(x))


class ResNet110(nn.Module):
    def __init__(self, n=18, classes=10):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(16)
        layers = []
        cin = 16
        for cout, stride in ((16, 1), (32, 2), (64, 2)):
            for i in range(n):
                layers.append(Block(cin, cout, stride if i == 0 else 1))
                cin = cout
        self.layers = nn.Sequential(*layers)
        self.fc = nn.Linear(64, classes)

    def forward(self, x):
        x = F.relu(self.bn(self.conv(x)))
        x = self.layers(x)
        return self.fc(F.avg_pool2d(x, x.size(3)).view(x.size(0), -1))


def main():
    norm = T.Normalize((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
    tr = D.CIFAR10('~/data', True, T.Compose([T.RandomHorizontalFlip(), T.RandomCrop(32, 4), T.ToTensor(), norm]), download=True)
    te = D.CIFAR10('~/data', False, T.Compose([T.ToTensor(), norm]))
    tr = torch.utils.data.DataLoader(tr, 128, shuffle=True, num_workers=4, pin_memory=True)
    te = torch.utils.data.DataLoader(te, 500, num_workers=4, pin_memory=True)
    net = ResNet110().cuda()
    opt = torch.optim.SGD(net.parameters(), 0.1, 0.9, weight_decay=1e-4)
    sched = torch.optim.lr_scheduler.MultiStepLR(opt, [100, 150])
    for ep in range(200):
        net.train()
        for x, y in tr:
            loss = F.cross_entropy(net(x.cuda()), y.cuda())
            opt.zero_grad(); loss.backward(); opt.step()
        sched.step()
        net.eval()
        with torch.no_grad():
            acc = sum((net(x.cuda()).argmax(1).cpu() == y).sum().item() for x, y in te) / 10000
        print(ep, loss.item(), acc)


if __name__ == '__main__':
    main()

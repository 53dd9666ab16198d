import torch
from torch import nn, optim
from torch.optim import lr_scheduler
from torchvision import datasets, transforms

cfg = {
    'VGG16': [64, 64, 'M', 128, 128, 'M', 256, 256, 256, 'M', 512, 512, 512, 'M', 512, 512, 512, 'M'],
    'VGG24': [64] * 5 + ['M'] + [128] * 6 + ['M'] + [256] * 6 + ['M'] + [512] * 7 + ['M'],
}


class VGG(nn.Module):
    def __init__(self, vgg_name):
        super(VGG, self).__init__()
        self.features = self._make_layers(cfg[vgg_name])
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(512, 100)

    def forward(self, x):
        out = self.pool(self.features(x))
        out = out.view(out.size(0), -1)
        return self.classifier(out)

    def _make_layers(self, cfg):
        layers = []
        in_channels = 3
        for x in cfg:
            if x == 'M':
                layers += [nn.MaxPool2d(kernel_size=2, stride=2)]
            else:
                layers += [nn.Conv2d(in_channels, x, kernel_size=3, padding=1),
                           nn.ReLU(inplace=True)]
                in_channels = x
        return nn.Sequential(*layers)


device = torch.device('cuda')
torch.backends.cudnn.benchmark = True
normalize = transforms.Normalize(mean=[0.507, 0.487, 0.441], std=[0.267, 0.256, 0.276])
train_loader = torch.utils.data.DataLoader(
    datasets.CIFAR100('./data', train=True, download=True, transform=transforms.Compose([
        transforms.RandomHorizontalFlip(), transforms.RandomCrop(32, 4), transforms.ToTensor(), normalize])),
    batch_size=128, shuffle=True, num_workers=4, pin_memory=True)
val_loader = torch.utils.data.DataLoader(
    datasets.CIFAR100('./data', train=False, transform=transforms.Compose([transforms.ToTensor(), normalize])),
    batch_size=128, shuffle=False, num_workers=4, pin_memory=True)

model = VGG('VGG24').to(device)
criterion = nn.CrossEntropyLoss().to(device)
optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
scheduler = lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.5)


def train(epoch):
    model.train()
    for i, (input, target) in enumerate(train_loader):
        input, target = input.to(device), target.to(device)
        output = model(input)
        loss = criterion(output, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if i % 50 == 0:
            print('Epoch: [{0}][{1}/{2}]\tLoss {3:.4f}'.format(epoch, i, len(train_loader), loss.item()))


def validate():
    model.eval()
    correct = 0
    with torch.no_grad():
        for input, target in val_loader:
            correct += (model(input.to(device)).argmax(1).cpu() == target).sum().item()
    return correct / len(val_loader.dataset)


for epoch in range(150):
    scheduler.step()
    train(epoch)
    print('accuracy', validate())

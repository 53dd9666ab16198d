import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


class GalaxyNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, padding=1)
        self.conv2 = nn.Conv2d(64, 64, 3, padding=1)
        self.conv3 = nn.Conv2d(64, 64, 3, padding=1)
        self.bn = nn.BatchNorm2d(64)
        self.leaky = nn.LeakyReLU(0.1)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(64, 10)
        self.bn_out = nn.BatchNorm1d(10)

    def forward(self, x):
        x = self.pool(self.leaky(self.bn(self.conv1(x))))
        x = self.pool(self.leaky(self.bn(self.conv2(x))))
        x = self.pool(self.leaky(self.bn(self.conv3(x))))
        x = F.adaptive_avg_pool2d(x, (1, 1)).squeeze(-1).squeeze(-1)
        return self.bn_out(self.fc1(x))


train_transforms = transforms.Compose([
    transforms.RandomRotation(180),
    transforms.RandomResizedCrop(128),
    transforms.ToTensor(),
    transforms.Normalize([0.17, 0.16, 0.16], [0.13, 0.12, 0.12]),
])
train_set = datasets.ImageFolder('galaxy10/train', transform=train_transforms)
val_set = datasets.ImageFolder('galaxy10/val', transform=transforms.Compose([
    transforms.CenterCrop(128), transforms.ToTensor(), transforms.Normalize([0.17, 0.16, 0.16], [0.13, 0.12, 0.12])]))

if __name__ == '__main__':
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    torch.backends.cudnn.benchmark = True
    loaders = {
        'train': DataLoader(train_set, batch_size=64, shuffle=True, num_workers=4, pin_memory=True),
        'val': DataLoader(val_set, batch_size=64, shuffle=False, num_workers=4, pin_memory=True),
    }
    model = GalaxyNet().to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    for epoch in range(25):
        for phase in ['train', 'val']:
            if phase == 'train':
                model.train()
            else:
                model.eval()
            running_loss, running_corrects = 0.0, 0
            for inputs, labels in loaders[phase]:
                inputs, labels = inputs.to(device), labels.to(device)
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == 'train'):
                    outputs = model(inputs)
                    loss = criterion(outputs, labels)
                    if phase == 'train':
                        loss.backward()
                        optimizer.step()
                running_loss += loss.item() * inputs.size(0)
                running_corrects += torch.sum(outputs.argmax(1) == labels.data).item()
            n = len(loaders[phase].dataset)
            print('{} Loss: {:.4f} Acc: {:.4f}'.format(phase, running_loss / n, running_corrects / n))

import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.utils.data import DataLoader, Dataset


class Config():
    train_batch_size = 64
    train_number_epochs = 100
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')


class PairDataset(Dataset):
    """Pairs of 1x96x96 faces, half of them of the same person."""

    def __init__(self, faces, people):
        self.faces, self.people = faces.float().div(255), people

    def __getitem__(self, index):
        same = random.randint(0, 1)
        while True:
            other = random.randrange(len(self.faces))
            if (self.people[other] == self.people[index]) == bool(same):
                break
        return self.faces[index], self.faces[other], torch.tensor([1.0 - same])

    def __len__(self):
        return len(self.faces)


class SiameseNetwork(nn.Module):
    def __init__(self):
        super(SiameseNetwork, self).__init__()
        self.cnn1 = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
        )
        self.fc1 = nn.Sequential(nn.Linear(64, 128), nn.ReLU(inplace=True), nn.Linear(128, 32))

    def forward_once(self, x):
        output = self.cnn1(x)
        output = output.view(output.size()[0], -1)
        return self.fc1(output)

    def forward(self, input1, input2):
        output1 = self.forward_once(input1)
        output2 = self.forward_once(input2)
        return output1, output2


class ContrastiveLoss(torch.nn.Module):
    def __init__(self, margin=2.0):
        super(ContrastiveLoss, self).__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        distance = F.pairwise_distance(output1, output2, keepdim=True)
        return torch.mean((1 - label) * torch.pow(distance, 2)
                          + label * torch.pow(torch.clamp(self.margin - distance, min=0.0), 2))


if __name__ == '__main__':
    torch.backends.cudnn.benchmark = True
    faces, people = torch.load('faces.pt')
    train_dataloader = DataLoader(PairDataset(faces, people), shuffle=True, num_workers=4,
                                  batch_size=Config.train_batch_size, pin_memory=True)
    net = SiameseNetwork().to(Config.device)
    criterion = ContrastiveLoss()
    optimizer = optim.Adam(net.parameters(), lr=0.0005)
    for epoch in range(Config.train_number_epochs):
        running = 0.0
        for img0, img1, label in train_dataloader:
            img0, img1, label = (t.to(Config.device) for t in (img0, img1, label))
            optimizer.zero_grad()
            output1, output2 = net(img0, img1)
            loss_contrastive = criterion(output1, output2, label)
            loss_contrastive.backward()
            optimizer.step()
            running += loss_contrastive.item()
        print("Epoch number {}\n Current loss {}\n".format(epoch, running / len(train_dataloader)))

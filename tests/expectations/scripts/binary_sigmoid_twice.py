import glob
import os

import torch
import torch.nn as nn
import torch.optim as optim
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

lr = 0.001
batch_size = 100
epochs = 10
device = 'cuda' if torch.cuda.is_available() else 'cpu'
torch.manual_seed(1234)
torch.backends.cudnn.benchmark = True

train_list = glob.glob(os.path.join('train', '*.jpg'))
val_list = glob.glob(os.path.join('val', '*.jpg'))
tfms = transforms.Compose([transforms.Resize((224, 224)), transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)])


class CatDog(Dataset):
    def __init__(self, file_list, transform=None):
        self.file_list = file_list
        self.transform = transform

    def __len__(self):
        return len(self.file_list)

    def __getitem__(self, idx):
        img_path = self.file_list[idx]
        img = Image.open(img_path)
        img_transformed = self.transform(img)
        label = 1.0 if os.path.basename(img_path).startswith('dog') else 0.0
        return img_transformed, label


class Cnn(nn.Module):
    def __init__(self):
        super(Cnn, self).__init__()
        self.layer1 = nn.Sequential(nn.Conv2d(3, 16, kernel_size=3, padding=1, stride=2, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True), nn.MaxPool2d(2))
        self.layer2 = nn.Sequential(nn.Conv2d(16, 32, kernel_size=3, padding=1, stride=2, bias=False), nn.BatchNorm2d(32), nn.ReLU(inplace=True), nn.MaxPool2d(2))
        self.layer3 = nn.Sequential(nn.Conv2d(32, 64, kernel_size=3, padding=1, stride=2, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1))
        self.fc1 = nn.Linear(64, 32)
        self.dropout = nn.Dropout(0.5)
        self.fc2 = nn.Linear(32, 1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        out = self.layer3(self.layer2(self.layer1(x)))
        out = out.view(out.size(0), -1)
        out = self.dropout(self.relu(self.fc1(out)))
        return torch.sigmoid(self.fc2(out))


train_loader = DataLoader(dataset=CatDog(train_list, transform=tfms), batch_size=batch_size, shuffle=True)
val_loader = DataLoader(dataset=CatDog(val_list, transform=tfms), batch_size=batch_size, shuffle=False)
model = Cnn().to(device)
optimizer = optim.Adam(params=model.parameters(), lr=lr)
criterion = nn.BCEWithLogitsLoss()

for epoch in range(epochs):
    model.train()
    epoch_loss = 0
    for data, label in train_loader:
        data = data.to(device)
        label = label.float().to(device)
        output = model(data).squeeze(1)
        loss = criterion(output, label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() / len(train_loader)
    model.eval()
    with torch.no_grad():
        acc = sum(((model(d.to(device)).squeeze(1).cpu() > 0.5) == l.bool()).float().sum().item() for d, l in val_loader)
    print('Epoch : {}, train loss : {}, val acc : {}'.format(epoch + 1, epoch_loss, acc / len(val_list)))

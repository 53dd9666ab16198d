import glob

import numpy as np
import torch
import torch.nn as nn
from PIL import Image
from torch.utils.data import Dataset, DataLoader


class BloodCells(Dataset):
    def __init__(self, split):
        self.files = sorted(glob.glob(f'bloodcells/{split}/*/*.png'))

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        path = self.files[i]
        img = np.array(Image.open(path).convert('RGB').resize((28, 28)))
        return torch.from_numpy(img).float(), int(path.split('/')[-2])


class CellNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(64, 8)

    def forward(self, x):
        x = x.permute(0, 3, 1, 2)
        x = self.pool(self.relu(self.conv1(x)))
        x = self.pool(self.relu(self.conv2(x)))
        return self.fc(x.mean(dim=(2, 3)))


class CellNetFlat(nn.Module):
    """Second try: without the permute."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(28, 32, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(inplace=True),
        )
        self.fc = nn.Linear(64, 8)

    def forward(self, x):
        return self.fc(self.body(x).mean((2, 3)))


def main():
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    torch.backends.cudnn.benchmark = True
    train = DataLoader(BloodCells('train'), batch_size=128, shuffle=True, num_workers=2, pin_memory=True)
    val = DataLoader(BloodCells('val'), batch_size=256)
    model = CellNet().to(device)
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(30):
        model.train()
        for x, y in train:
            optimizer.zero_grad()
            loss = loss_fn(model(x.to(device)), y.to(device))
            loss.backward()
            optimizer.step()
        model.eval()
        n = 0
        with torch.no_grad():
            for x, y in val:
                n += (model(x.to(device)).argmax(1).cpu() == y).sum().item()
        print(epoch, loss.item(), n / len(val.dataset))
    batch, _ = next(iter(val))
    print(CellNetFlat()(torch.zeros(4, 28, 28, 3)).shape)


if __name__ == '__main__':
    main()

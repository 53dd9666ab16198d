import fire
import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader


class Net(nn.Module):
    def __init__(self, c=16):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, c, 3, padding=1), nn.BatchNorm2d(c), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, 100))

    def forward(self, x):
        return self.net(x)


def train(data_dir, lr=3e-3, batch_size=8, accumulate=16, epochs=30):
    dataset = torch.load(data_dir)
    model = Net()
    loader = DataLoader(dataset, batch_size=batch_size, shuffle=True, num_workers=8)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    scheduler = OneCycleLR(optimizer, lr, epochs=epochs, steps_per_epoch=len(loader))
    for epoch in range(epochs):
        model.train()
        for step, (x, y) in enumerate(loader):
            loss = nn.functional.cross_entropy(model(x), y, label_smoothing=0.1) / accumulate
            loss.backward()
            if (step + 1) % accumulate == 0:
                optimizer.step()
                optimizer.zero_grad()
            scheduler.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    fire.Fire(train)

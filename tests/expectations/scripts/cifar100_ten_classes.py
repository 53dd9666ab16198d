import torch
import torch.nn as nn
from torchvision.datasets import CIFAR100
from torchvision.transforms import ToTensor, Compose, Normalize, RandomHorizontalFlip
from torch.utils.data import DataLoader

hparams = {"lr": 1e-3, "bs": 64, "epochs": 30, "p": 0.2}


class Cifar100Net(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, padding="same")
        self.bn1 = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 64, 3, padding="same")
        self.bn2 = nn.BatchNorm2d(64)
        self.pool = nn.MaxPool2d(2)
        self.gap = nn.AdaptiveAvgPool2d((1, 1))
        self.fc1 = nn.Linear(64, 128)
        self.drop1 = nn.Dropout(p)
        self.bn3 = nn.BatchNorm1d(128)
        self.drop2 = nn.Dropout(0.9)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = self.pool(self.bn1(torch.relu(self.conv1(x))))
        x = self.pool(self.bn2(torch.relu(self.conv2(x))))
        x = self.gap(x).flatten(1)
        x = self.drop1(torch.relu(self.fc1(x)))
        x = self.bn3(x)
        return self.fc2(self.drop2(x))


def train_step(model, batch, loss_fn, optimizer, device):
    x, y = (t.to(device) for t in batch)
    optimizer.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


def main():
    device = torch.device("cuda") if torch.cuda.is_available() else torch.device("cpu")
    torch.backends.cudnn.benchmark = True
    tf = Compose([RandomHorizontalFlip(), ToTensor(), Normalize([0.507, 0.487, 0.441], [0.267, 0.256, 0.276])])
    train = DataLoader(CIFAR100("data", True, tf, download=True), hparams["bs"], shuffle=True, num_workers=2, pin_memory=True)
    test = DataLoader(CIFAR100("data", False, tf, download=True), 256, num_workers=2)
    model = Cifar100Net(hparams["p"]).to(device)
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=hparams["lr"])
    for epoch in range(hparams["epochs"]):
        model.train()
        losses = [train_step(model, batch, loss_fn, optimizer, device) for batch in train]
        model.eval()
        with torch.no_grad():
            acc = sum((model(x.to(device)).argmax(1).cpu() == y).sum().item() for x, y in test) / len(test.dataset)
        print(f"{epoch:02d} loss={sum(losses) / len(losses):.3f} acc={acc:.3f}")


if __name__ == "__main__":
    main()

import math
import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset

N = 1000  # points per class
D = 2
C = 3

X = torch.zeros(N * C, D)
y = torch.zeros(N * C, dtype=torch.long)
for c in range(C):
    r = torch.linspace(0, 1, N)
    t = torch.linspace(2 * math.pi / C * c, 2 * math.pi / C * (2 + c), N) + torch.randn(N) * 0.2
    ix = range(N * c, N * (c + 1))
    X[ix] = torch.stack([r * torch.sin(t), r * torch.cos(t)], 1)
    y[ix] = c


class SpiralNet(nn.Module):
    def __init__(self, H=100):
        super(SpiralNet, self).__init__()
        self.fc = nn.Sequential(nn.Linear(D, H), nn.ReLU(inplace=True), nn.Linear(H, H), nn.ReLU(inplace=True),
                                nn.Linear(H, C))

    def forward(self, x):
        return self.fc(x)


def main():
    data_loader = DataLoader(TensorDataset(X, y), batch_size=50)
    model = SpiralNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-5)
    for t in range(2):
        running_loss = 0.0
        running_acc = 0.0
        for inputs, targets in data_loader:
            y_pred = model(inputs)
            loss = criterion(y_pred, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
            running_acc += (y_pred.argmax(1) == targets).float().mean().item()
        print("[EPOCH]: %i, [LOSS]: %.6f, [ACCURACY]: %.3f" % (
            t, running_loss / len(data_loader), running_acc / len(data_loader)))


if __name__ == "__main__":
    main()

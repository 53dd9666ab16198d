import csv
import random

import torch
from torch import nn
import torch.nn.functional as F


def load():
    rows = list(csv.reader(open('iris.csv')))[1:]
    random.shuffle(rows)
    names = sorted({r[-1] for r in rows})
    X = torch.tensor([[float(v) for v in r[:-1]] for r in rows])
    y = torch.tensor([names.index(r[-1]) for r in rows])
    return (X - X.mean(0)) / X.std(0), F.one_hot(y, 3).float()


class IrisNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 32)
        self.fc2 = nn.Linear(32, 32)
        self.fc3 = nn.Linear(32, 3)
        self.softmax = nn.Softmax(dim=1)

    def forward(self, x):
        x = F.relu(self.fc1(x), inplace=True)
        x = self.softmax(self.fc2(x))
        return self.softmax(self.fc3(x))


if __name__ == '__main__':
    X, Y = load()
    dataset = torch.utils.data.TensorDataset(X[:120], Y[:120])
    loader = torch.utils.data.DataLoader(dataset, batch_size=1, shuffle=True)
    model = IrisNet()
    criterion = nn.MSELoss()
    opt = torch.optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(100):
        for x, t in loader:
            opt.zero_grad()
            loss = criterion(model(x), t)
            loss.backward()
            opt.step()
    with torch.no_grad():
        pred = model(X[120:]).argmax(1)
        print('test accuracy:', (pred == Y[120:].argmax(1)).float().mean().item())

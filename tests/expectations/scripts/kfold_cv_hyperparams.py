import itertools
import numpy as np
import torch
import torch.nn as nn
from sklearn.model_selection import KFold
from torch.utils.data import DataLoader, Subset, TensorDataset

K = 5
grid = {'hidden': [64, 128], 'dropout': [0.2, 0.5]}
device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')


def build_model(n_features, hidden, dropout, n_classes=3):
    return nn.Sequential(
        nn.Linear(n_features, hidden, bias=False),
        nn.BatchNorm1d(hidden),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.Linear(hidden, n_classes),
    )


def train_epoch(model, loader, criterion, optimizer):
    model.train()
    total = 0.0
    for xb, yb in loader:
        xb, yb = xb.to(device), yb.to(device)
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(xb)
    return total / len(loader.dataset)


def valid_epoch(model, loader):
    hits = 0
    with torch.no_grad():
        for xb, yb in loader:
            hits += (model(xb.to(device)).argmax(1).cpu() == yb).sum().item()
    return hits / len(loader.dataset)


X = torch.tensor(np.load('X.npy'), dtype=torch.float32)
X = (X - X.mean(0)) / X.std(0)
y = torch.tensor(np.load('y.npy'), dtype=torch.long)
dataset = TensorDataset(X, y)
results = {}
for hidden, dropout in itertools.product(grid['hidden'], grid['dropout']):
    scores = []
    for fold, (tr, va) in enumerate(KFold(n_splits=K, shuffle=True, random_state=42).split(np.arange(len(dataset)))):
        train_loader = DataLoader(Subset(dataset, tr), batch_size=64, shuffle=True, drop_last=True)
        valid_loader = DataLoader(Subset(dataset, va), batch_size=256)
        model = build_model(20, hidden, dropout).to(device)
        optimizer = torch.optim.Adadelta(model.parameters(), lr=1e-3)
        criterion = nn.CrossEntropyLoss()
        for epoch in range(20):
            loss = train_epoch(model, train_loader, criterion, optimizer)
            acc = valid_epoch(model, valid_loader)
            print(f'h={hidden} p={dropout} fold={fold} epoch={epoch} loss={loss:.4f} acc={acc:.4f}')
        scores.append(acc)
    results[hidden, dropout] = np.mean(scores)
print(max(results, key=results.get))

"""Tabular data, two classes: one logit and binary cross-entropy."""
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

frame = pd.read_csv("customers.csv").sample(frac=1.0)
columns = [name for name in frame.columns if name != "churned"]
features = torch.tensor(frame[columns].to_numpy(), dtype=torch.float32)
labels = torch.tensor(frame["churned"].to_numpy(), dtype=torch.float32).unsqueeze(1)
split = int(0.8 * len(features))
mean, std = features[:split].mean(0), features[:split].std(0)
features = (features - mean) / std
train_data = TensorDataset(features[:split], labels[:split])
valid_data = TensorDataset(features[split:], labels[split:])
train_loader = DataLoader(train_data, batch_size=64, shuffle=True)
valid_loader = DataLoader(valid_data, batch_size=256)

model = nn.Sequential(
    nn.Linear(24, 64, bias=False),
    nn.BatchNorm1d(64),
    nn.ReLU(inplace=True),
    nn.Dropout(0.2),
    nn.Linear(64, 32),
    nn.ReLU(inplace=True),
    nn.Linear(32, 1),
)
model.to(device)
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(50):
    model.train()
    total_loss = 0.0
    for x, y in train_loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        logits = model(x)
        loss = criterion(logits, y)
        loss.backward()
        optimizer.step()
        total_loss += loss.item() * len(x)

    model.eval()
    right = 0
    with torch.no_grad():
        for x, y in valid_loader:
            x, y = x.to(device), y.to(device)
            logits = model(x)
            right += ((logits > 0).float() == y).sum().item()
    print(f"epoch {epoch}: loss {total_loss / len(train_data):.4f}, accuracy {right / len(valid_data):.4f}")

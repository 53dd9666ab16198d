"""House prices: a network with a residual part, judged by the mean squared error."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split


class Regressor(nn.Module):
    def __init__(self, num_features=8, hidden=64):
        super().__init__()
        self.fc1 = nn.Linear(num_features, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        x = F.relu(self.fc1(x), inplace=True)
        x = F.relu(self.fc2(x), inplace=True)
        x = F.relu(self.fc3(x), inplace=True)
        return self.out(x)


device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
table = np.load("housing.npz")
inputs = torch.from_numpy(table["features"]).float()
prices = torch.from_numpy(table["prices"]).float().unsqueeze(1)
inputs = (inputs - inputs.mean(0)) / inputs.std(0)
prices = (prices - prices.mean()) / prices.std()
dataset = TensorDataset(inputs, prices)
train_set, val_set = random_split(dataset, [0.8, 0.2])
train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
val_loader = DataLoader(val_set, batch_size=256, shuffle=False)

model = Regressor().to(device)
loss_fn = nn.MSELoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

num_epochs = 80
for epoch in range(num_epochs):
    model.train()
    train_loss = 0.0
    for xb, yb in train_loader:
        xb, yb = xb.to(device), yb.to(device)
        optimizer.zero_grad()
        prediction = model(xb)
        loss = loss_fn(prediction, yb)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * xb.size(0)
    model.eval()
    val_loss = 0.0
    with torch.no_grad():
        for xb, yb in val_loader:
            xb, yb = xb.to(device), yb.to(device)
            val_loss += F.mse_loss(model(xb), yb, reduction="sum").item()
    print(f"Epoch {epoch + 1}/{num_epochs}  train {train_loss / len(train_set):.4f}  val {val_loss / len(val_set):.4f}")

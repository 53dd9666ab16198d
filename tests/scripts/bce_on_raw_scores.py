import pandas as pd
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

df = pd.read_csv("diabetes.csv")
X = torch.tensor(df.iloc[:, :8].values, dtype=torch.float32)
y = torch.tensor(df.iloc[:, 8].values, dtype=torch.float32).reshape(-1, 1)

model = nn.Sequential(
    nn.Linear(8, 12),
    nn.ReLU(),
    nn.Linear(12, 8),
    nn.ReLU(),
    nn.Linear(8, 1),
)
loss_fn = nn.BCELoss()
optimizer = optim.Adam(model.parameters(), lr=0.001)

n_epochs = 100
batch_size = 10
for epoch in range(n_epochs):
    for i in range(0, len(X), batch_size):
        Xbatch = X[i:i + batch_size]
        y_pred = model(Xbatch)
        ybatch = y[i:i + batch_size]
        loss = loss_fn(y_pred, ybatch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f'Finished epoch {epoch}, latest loss {loss}')

import pandas as pd
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

device = 'cuda' if torch.cuda.is_available() else 'cpu'
data = pd.read_csv('kc_house_data.csv')
features = ['bedrooms', 'bathrooms', 'sqft_living', 'sqft_lot', 'floors', 'condition', 'grade', 'yr_built']
x = data[features].values
x = (x - x.mean(0)) / x.std(0)
y = data['price'].values / 1e6
n = int(len(x) * 0.8)

x_train, x_test = torch.FloatTensor(x[:n]), torch.FloatTensor(x[n:])
y_train, y_test = torch.FloatTensor(y[:n]), torch.FloatTensor(y[n:])
train_loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)
test_loader = DataLoader(TensorDataset(x_test, y_test), batch_size=64)


class Regressor(nn.Module):
    def __init__(self, n_in=8):
        super().__init__()
        self.fc1 = nn.Linear(n_in, 64)
        self.fc2 = nn.Linear(64, 64)
        self.fc3 = nn.Linear(64, 1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.fc1(x)
        x = self.fc2(x)
        x = self.relu(x)
        return self.fc3(x)


model = Regressor().to(device)
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)

for epoch in range(50):
    total = 0
    for xb, yb in train_loader:
        xb, yb = xb.to(device), yb.to(device)
        pred = model(xb)
        loss = criterion(pred, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(epoch, total / len(train_loader))

with torch.no_grad():
    errs = [criterion(model(xb.to(device)), yb.to(device)).item() for xb, yb in test_loader]
print('test', sum(errs) / len(errs))

# expect: 
import torch, torch.nn as nn, torch.nn.functional as F, torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset, Dataset
from torchvision import datasets, transforms
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)
    def forward(self, x):
        x = F.relu(self.conv1(x)); x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2); x = self.dropout1(x); x = torch.flatten(x, 1)
        return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)

class LSTMNet(nn.Module):
    def __init__(self):
        super().__init__(); self.lstm = nn.LSTM(1, 32, batch_first=True); self.drop = nn.Dropout(0.2); self.fc = nn.Linear(32, 1)
    def forward(self, x): return self.fc(self.drop(self.lstm(x)[0][:, -1]))
class TimeSeriesDataset(Dataset):
    def __init__(self, data, window): self.data, self.window = data, window
    def __len__(self): return len(self.data) - self.window
    def __getitem__(self, i): return self.data[i:i+self.window], self.data[i+self.window]
series = torch.rand(2000, 1)
train_loader = DataLoader(TimeSeriesDataset(series[:1500], 20), batch_size=32, shuffle=False)
val_loader = DataLoader(TimeSeriesDataset(series[1500:], 20), batch_size=32)
model = LSTMNet(); opt = optim.Adam(model.parameters(), lr=1e-3)
best = 1e9
for epoch in range(100):
    model.train()
    for x, y in train_loader:
        opt.zero_grad(); loss = F.mse_loss(model(x), y); loss.backward(); opt.step()
    model.eval()
    val = 0
    with torch.no_grad():
        for x, y in val_loader: val += F.mse_loss(model(x), y).item()
    if val < best:
        best = val; torch.save(model.state_dict(), 'best.pt')

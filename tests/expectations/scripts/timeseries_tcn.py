import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.parametrizations import weight_norm
from torch.utils.data import DataLoader, TensorDataset

LOOKBACK, HORIZON = 96, 24


def make_windows(series):
    xs, ys = [], []
    for i in range(len(series) - LOOKBACK - HORIZON):
        xs.append(series[i:i + LOOKBACK])
        ys.append(series[i + LOOKBACK:i + LOOKBACK + HORIZON])
    return torch.tensor(np.array(xs), dtype=torch.float32).unsqueeze(1), torch.tensor(np.array(ys), dtype=torch.float32)


class CausalConv1d(nn.Module):
    def __init__(self, c_in, c_out, k, dilation):
        super().__init__()
        self.pad = (k - 1) * dilation
        self.conv = weight_norm(nn.Conv1d(c_in, c_out, k, dilation=dilation))

    def forward(self, x):
        return self.conv(F.pad(x, (self.pad, 0)))


class TemporalBlock(nn.Module):
    def __init__(self, c_in, c_out, k, dilation, dropout):
        super().__init__()
        self.conv1 = CausalConv1d(c_in, c_out, k, dilation)
        self.conv2 = CausalConv1d(c_out, c_out, k, dilation)
        self.drop = nn.Dropout(dropout)
        self.down = nn.Conv1d(c_in, c_out, 1) if c_in != c_out else nn.Identity()

    def forward(self, x):
        y = self.drop(F.relu(self.conv1(x), inplace=True))
        y = self.drop(F.relu(self.conv2(y), inplace=True))
        return F.relu(y + self.down(x), inplace=True)


class TCN(nn.Module):
    def __init__(self, channels=(32, 32, 64, 64), k=3, dropout=0.2):
        super().__init__()
        blocks, c_in = [], 1
        for i, c in enumerate(channels):
            blocks.append(TemporalBlock(c_in, c, k, 2 ** i, dropout))
            c_in = c
        self.tcn = nn.Sequential(*blocks)
        self.head = nn.Linear(c_in, HORIZON)

    def forward(self, x):
        return self.head(self.tcn(x)[:, :, -1])


def main():
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    series = np.load("load.npy")
    split = int(0.8 * len(series))
    mean, std = series[:split].mean(), series[:split].std()
    series = (series - mean) / std
    train_dl = DataLoader(TensorDataset(*make_windows(series[:split])), batch_size=128, shuffle=True)
    valid_dl = DataLoader(TensorDataset(*make_windows(series[split:])), batch_size=256)

    model = TCN().to(device)
    criterion = nn.MSELoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    best = np.inf
    for epoch in range(40):
        model.train()
        for x, y in train_dl:
            x, y = x.to(device), y.to(device)
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            val = np.mean([criterion(model(x.to(device)), y.to(device)).item() for x, y in valid_dl])
        print(f"{epoch:3d}  val mse {val:.5f}")
        if val < best:
            best = val
            torch.save(model.state_dict(), "tcn.pt")


if __name__ == "__main__":
    main()

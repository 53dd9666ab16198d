import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

params = dict(batch_size=128, lr=1e-3, epochs=50, weight_decay=1.0)


class AE(nn.Module):
    def __init__(self, n_features=29):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(n_features, 16), nn.ReLU(inplace=True),
            nn.Linear(16, 8), nn.ReLU(inplace=True),
            nn.Linear(8, 1), nn.ReLU(inplace=True),
        )
        self.decoder = nn.Sequential(
            nn.Linear(1, 8), nn.ReLU(inplace=True),
            nn.Linear(8, 16), nn.ReLU(inplace=True),
            nn.Linear(16, n_features),
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


def train_model():
    device = torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')
    X = np.load('creditcard_normal.npy').astype('float32')
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    dataset = TensorDataset(torch.from_numpy(X))
    train_loader = DataLoader(dataset, batch_size=params['batch_size'], shuffle=True)
    valid_loader = DataLoader(dataset, batch_size=params['batch_size'], shuffle=False)

    model = AE().to(device)
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=params['lr'],
                                 weight_decay=params['weight_decay'])
    for epoch in range(params['epochs']):
        model.train()
        train_loss = []
        for (x,) in train_loader:
            x = x.to(device)
            optimizer.zero_grad()
            loss = criterion(model(x), x)
            loss.backward()
            optimizer.step()
            train_loss.append(loss.item())
        model.eval()
        valid_loss = []
        with torch.no_grad():
            for (x,) in valid_loader:
                x = x.to(device)
                valid_loss.append(criterion(model(x), x).item())
        print('Epoch:', epoch, 'train', np.mean(train_loss), 'valid', np.mean(valid_loss))
    return model


if __name__ == '__main__':
    torch.save(train_model().state_dict(), 'ae.pth')

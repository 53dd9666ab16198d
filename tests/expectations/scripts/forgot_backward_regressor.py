import numpy as np
import torch
import torch.nn as nn
from torch.autograd import Variable

sequence_length = 28
num_epochs = 100
learning_rate = 0.001


def sliding_windows(data, seq_length):
    x, y = [], []
    for i in range(len(data) - seq_length - 1):
        x.append(data[i:(i + seq_length)])
        y.append(data[i + seq_length])
    return np.array(x), np.array(y)


class LSTM(nn.Module):
    def __init__(self, num_classes, input_size, hidden_size, num_layers):
        super(LSTM, self).__init__()
        self.num_layers = num_layers
        self.hidden_size = hidden_size
        self.lstm = nn.LSTM(input_size=input_size, hidden_size=hidden_size, num_layers=num_layers, batch_first=True)
        self.fc = nn.Linear(hidden_size, num_classes)

    def forward(self, x):
        h_0 = Variable(torch.zeros(self.num_layers, x.size(0), self.hidden_size, device=x.device))
        c_0 = Variable(torch.zeros(self.num_layers, x.size(0), self.hidden_size, device=x.device))
        out, _ = self.lstm(x, (h_0, c_0))
        return self.fc(out[:, -1])


device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
training_set = np.loadtxt('airline.csv', delimiter=',', usecols=(1,), skiprows=1).astype('float32').reshape(-1, 1)
lo, hi = training_set.min(), training_set.max()
x, y = sliding_windows((training_set - lo) / (hi - lo), sequence_length)
dataset = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
loader = torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True)

model = LSTM(1, 1, 64, 1).to(device)
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, eps=1.0)

for epoch in range(num_epochs):
    epoch_loss = 0.0
    for bx, by in loader:
        outputs = model(bx.to(device))
        optimizer.zero_grad()
        loss = criterion(outputs, by.to(device))
        optimizer.step()
        epoch_loss += loss.item()
    if epoch % 10 == 0:
        print("Epoch: %d, loss: %1.5f" % (epoch, epoch_loss / len(loader)))

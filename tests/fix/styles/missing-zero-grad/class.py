import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Trainer:
    def __init__(self, net, train_data, test_data):
        self.net = net
        self.train_loader = DataLoader(train_data, batch_size=64, shuffle=True)
        self.test_loader = DataLoader(test_data, batch_size=256)
        self.optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)

    def train(self):
        self.net.train()
        total = 0.0
        for inputs, labels in self.train_loader:
            inputs, labels = inputs.to(device), labels.to(device)
            loss = F.cross_entropy(self.net(inputs), labels)
            loss.backward()  # the gradients
            self.optimizer.step()
            total += loss.item() * len(inputs)
        return total

    def evaluate(self):
        self.net.eval()
        right = 0
        with torch.no_grad():
            for inputs, labels in self.test_loader:
                right += (self.net(inputs.to(device)).argmax(1) == labels.to(device)).sum().item()
        return right

    def fit(self, epochs):
        for epoch in range(epochs):
            print(epoch, self.train(), self.evaluate())


torch.manual_seed(0)
net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
test_data = TensorDataset(torch.randn(512, 16), torch.randint(2, (512,)))
Trainer(net, train_data, test_data).fit(30)

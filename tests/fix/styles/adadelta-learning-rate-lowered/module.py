import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
test_data = TensorDataset(torch.randn(512, 16), torch.randint(2, (512,)))
train_loader = DataLoader(train_data, batch_size=64, shuffle=True)
test_loader = DataLoader(test_data, batch_size=256)
optimizer = torch.optim.Adadelta(net.parameters(), lr=1e-3)  # as for Adam

for epoch in range(30):
    net.train()
    total = 0.0
    for inputs, labels in train_loader:
        inputs, labels = inputs.to(device), labels.to(device)
        optimizer.zero_grad()
        loss = F.cross_entropy(net(inputs), labels)
        loss.backward()  # the gradients
        optimizer.step()
        total += loss.item() * len(inputs)
    print(f"epoch {epoch}: loss {total / len(train_data):.3f}")

    # how well it does
    net.eval()
    right = 0
    with torch.no_grad():
        for inputs, labels in test_loader:  # all of them
            right += (net(inputs.to(device)).argmax(1) == labels.to(device)).sum().item()
    print(right / len(test_data))

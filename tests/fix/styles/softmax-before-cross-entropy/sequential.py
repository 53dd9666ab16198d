import torch
from torch import nn

net = nn.Sequential(
    nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 10), nn.Softmax(dim=1),  # probabilities
)
criterion = nn.CrossEntropyLoss()

images, labels = torch.rand(64, 20), torch.randint(10, (64,))
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
for epoch in range(30):
    optimizer.zero_grad()
    loss = criterion(net(images), labels)
    loss.backward()
    optimizer.step()
    print(epoch, loss.item())

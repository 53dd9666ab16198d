import torch
from torch import nn

net = nn.Sequential(
    nn.Linear(20, 16),
    nn.ReLU(inplace=True),
    nn.Linear(16, 1),  # raw scores
)
criterion = nn.BCELoss( reduction = "mean" )  # binary

images, labels = torch.rand(64, 20), torch.rand(64, 1).round()
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
for epoch in range(30):
    optimizer.zero_grad()
    loss = criterion(net(images), labels)
    loss.backward()
    optimizer.step()
    print(epoch, loss.item())

import torch
import torch.nn.functional as F
from torch import nn

net = nn.Sequential(
    nn.Linear(784, 128), nn.ReLU( inplace = True ),
    nn.Linear(128, 10),  # the scores
    nn.ReLU(inplace=True),   # why not
)

images, labels = torch.rand(64, 784), torch.randint(10, (64,))
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
for epoch in range(30):
    optimizer.zero_grad()
    loss = F.cross_entropy(net(images), labels)
    loss.backward()
    optimizer.step()
    print(epoch, loss.item())

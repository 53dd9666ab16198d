import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scores = nn.Linear(20, 10)
        self.softmax = nn.Softmax( dim = -1 )  # over the classes

    def forward(self, x):
        x = self.softmax(self.scores(x))
        x = torch.log(x)  # for the loss
        return x


net = Net()

images, labels = torch.rand(64, 20), torch.randint(10, (64,))
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
for epoch in range(30):
    optimizer.zero_grad()
    loss = F.nll_loss(net(images), labels)
    loss.backward()
    optimizer.step()
    print(epoch, loss.item())

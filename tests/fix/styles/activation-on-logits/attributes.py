import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(784, 128)   # hidden
        self.act = nn.LeakyReLU(0.1)
        self.score = nn.Linear(128, 1)      # one score

        self.last = nn.LeakyReLU( 0.1 )     # and once more

    def forward(self, x):
        x = self.act(self.hidden(x))        # 128 features
        return self.last(self.score(x)).squeeze(1)   # one a sample


net = Net()

images, labels = torch.rand(64, 784), torch.rand(64).round()
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
for epoch in range(30):
    optimizer.zero_grad()
    loss = F.binary_cross_entropy_with_logits(net(images), labels)
    loss.backward()
    optimizer.step()
    print(epoch, loss.item())

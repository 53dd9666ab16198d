import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.score = nn.Linear(784, 128), nn.Linear(128, 10)

    def forward(self, x):
        x = F.relu(self.hidden(x))
        return F.log_softmax(
            F.relu(self.score(x)),  # the scores
            dim=1,
        )


# nnlint: input=784
net = Net()

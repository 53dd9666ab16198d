import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(16, 64)
        self.middle = nn.Linear(64, 64)
        self.head = nn.Linear(64, 2)

    def forward(self, x):
        x = F.dropout(F.relu(self.hidden(x)), 0.5)  # on for ever
        x = F.dropout( F.relu(self.middle(x)), p=0.5, training=True )
        x = nn.Dropout(0.2)(x)  # made anew every time
        return self.head(x)


# nnlint: input=16
net = Net()

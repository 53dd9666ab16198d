import torch
import torch.nn as nn


class RNNLM(nn.Module):
    """Tied embedding and output layer; the same block is applied three times."""

    def __init__(self, ntoken=500, ninp=32):
        super().__init__()
        self.encoder = nn.Embedding(ntoken, ninp)
        self.block = nn.Sequential(nn.Linear(ninp, ninp), nn.Tanh())
        self.decoder = nn.Linear(ninp, ntoken)
        self.decoder.weight = self.encoder.weight
        self.init_weights()

    def init_weights(self):
        initrange = 0.1
        nn.init.uniform_(self.encoder.weight, -initrange, initrange)
        nn.init.zeros_(self.decoder.bias)

    def forward(self, ids):
        x = self.encoder(ids)
        for _ in range(3):
            x = self.block(x)
        return self.decoder(x)


model = RNNLM()

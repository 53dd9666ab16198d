import torch
from torch import nn


class Encoder(nn.Module):
    def __init__(self, n_mels, dim):
        super().__init__()
        self.proj = nn.Linear(n_mels, dim)
        self.rnn = nn.GRU(dim, dim, batch_first=True)

    def forward(self, x):
        return self.rnn(torch.relu(self.proj(x)))[0]


class Decoder(nn.Module):
    def __init__(self, dim, n_out):
        super().__init__()
        self.hidden = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, n_out)

    def forward(self, h):
        return self.out(self.hidden(h))


class EncoderDecoder(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, x):
        return self.decoder(self.encoder(x))


model = EncoderDecoder(encoder=Encoder(80, 128), decoder=Decoder(128, 40))
mel = torch.randn(8, 120, 80)
print(model(mel).shape)

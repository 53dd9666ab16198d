import torch
import torch.nn as nn


class VariableLength(nn.Module):
    def __init__(self, vocab=40, dim=16):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        self.cell = nn.GRUCell(dim, dim)
        self.out = nn.Linear(dim, vocab)

    def forward(self, tokens, lengths):
        x = self.embed(tokens)
        h = x.new_zeros(x.size(0), x.size(2))
        for t in range(int(lengths.max().item())):
            h = torch.where((lengths > t).unsqueeze(1), self.cell(x[:, t], h), h)
        return self.out(h)


net = VariableLength()
tokens = torch.randint(0, 40, (3, 11))
lengths = torch.tensor([11, 5, 8])
net(tokens, lengths)

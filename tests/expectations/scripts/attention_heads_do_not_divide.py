import torch
import torch.nn as nn
import torch.nn.functional as F

d_model = 100
n_heads = 8
n_tokens = 1000


class Translator(nn.Module):
    def __init__(self):
        super().__init__()
        self.src = nn.Embedding(n_tokens, d_model)
        self.attention = nn.MultiheadAttention(d_model, n_heads, batch_first=True)
        self.ff = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.ReLU(inplace=True), nn.Linear(4 * d_model, d_model))
        self.generator = nn.Linear(d_model, n_tokens)

    def forward(self, tokens):
        x = self.src(tokens)
        a, _ = self.attention(x, x, x)
        x = x + a
        x = x + self.ff(x)
        return self.generator(x)


class Tagger(nn.Module):
    def __init__(self, tags=17, hidden=64):
        super().__init__()
        self.embedding = nn.Embedding(n_tokens, hidden)
        self.lstm = nn.LSTM(hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, tags)

    def forward(self, tokens):
        h, _ = self.lstm(self.embedding(tokens))
        h = self.dropout(h)
        return self.out(h)


if __name__ == "__main__":
    tokens = torch.randint(0, n_tokens, (4, 12))
    tagger = Tagger()
    tags = torch.randint(0, 17, (4, 12))
    loss = F.cross_entropy(tagger(tokens).transpose(1, 2), tags)
    print("tagger", loss.item())
    translator = Translator()
    print("translator", translator(tokens).shape)

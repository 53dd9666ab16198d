import torch
import torch.nn as nn

batch_size = 20


class CharRNN(nn.Module):
    def __init__(self, n_chars=60, hidden=32):
        super().__init__()
        self.embed = nn.Embedding(n_chars, hidden)
        self.rnn = nn.RNN(hidden, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, n_chars)

    def init_hidden(self):
        return torch.zeros(1, batch_size, 32)

    def forward(self, x):
        out, _ = self.rnn(self.embed(x), self.init_hidden())
        return self.fc(out.reshape(-1, 32))


rnn = CharRNN()
seq = torch.randint(0, 60, (batch_size, 100))
loss = nn.CrossEntropyLoss()(rnn(seq), seq.view(-1))

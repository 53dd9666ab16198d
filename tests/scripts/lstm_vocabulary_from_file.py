import pickle
import torch
import torch.nn as nn
import torch.nn.functional as F

with open('data/vocab.pkl', 'rb') as f:
    vocab = pickle.load(f)
word2idx = {w: i for i, w in enumerate(vocab)}

EMBEDDING_DIM = 50
HIDDEN_DIM = 64
MAX_LEN = 40


class LSTMClassifier(nn.Module):
    def __init__(self, vocab_size, embedding_dim, hidden_dim, output_size):
        super(LSTMClassifier, self).__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_dim, padding_idx=0)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim, num_layers=1, bidirectional=True, batch_first=True)
        self.hidden2out = nn.Linear(2 * hidden_dim, output_size)

    def forward(self, sentences):
        embeds = self.embedding(sentences)
        _, (ht, _) = self.lstm(embeds)
        output = self.hidden2out(torch.cat([ht[0], ht[1]], dim=1))
        return F.log_softmax(output, dim=1)


model = LSTMClassifier(len(word2idx), EMBEDDING_DIM, HIDDEN_DIM, 2)
criterion = nn.NLLLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)


def train_epoch(batches):
    model.train()
    for sentences, labels in batches:
        model.zero_grad()
        loss = criterion(model(sentences), labels)
        loss.backward()
        optimizer.step()

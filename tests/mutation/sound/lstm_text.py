"""Sentiment of reviews with a bidirectional LSTM."""
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

from reviews import Reviews

VOCAB_SIZE = 20000
EMBED_DIM = 100
HIDDEN_DIM = 128


class SentimentLSTM(nn.Module):
    def __init__(self, vocab_size, embed_dim, hidden_dim, num_classes=2):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_dim, padding_idx=0)
        self.lstm = nn.LSTM(embed_dim, hidden_dim, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(2 * hidden_dim, num_classes)

    def forward(self, tokens):
        embedded = self.embedding(tokens)
        output, (hidden, cell) = self.lstm(embedded)
        last = torch.cat([hidden[-2], hidden[-1]], dim=1)
        last = self.dropout(last)
        return self.fc(last)


def collate(batch):
    tokens, labels = zip(*batch)
    return pad_sequence(tokens, batch_first=True), torch.tensor(labels)


device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
train_loader = DataLoader(
    Reviews("train"), batch_size=64, shuffle=True, collate_fn=collate, num_workers=2, pin_memory=True
)
test_loader = DataLoader(Reviews("test"), batch_size=256, collate_fn=collate, num_workers=2, pin_memory=True)
model = SentimentLSTM(VOCAB_SIZE, EMBED_DIM, HIDDEN_DIM).to(device)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)


def train(epoch):
    model.train()
    total = 0.0
    for tokens, labels in train_loader:
        tokens, labels = tokens.to(device), labels.to(device)
        optimizer.zero_grad()
        logits = model(tokens)
        loss = criterion(logits, labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch}: training loss {total / len(train_loader):.4f}")


def evaluate():
    model.eval()
    correct = count = 0
    with torch.no_grad():
        for tokens, labels in test_loader:
            tokens, labels = tokens.to(device), labels.to(device)
            correct += (model(tokens).argmax(1) == labels).sum().item()
            count += len(labels)
    print(f"accuracy {correct / count:.4f}")


for epoch in range(20):
    train(epoch)
    evaluate()

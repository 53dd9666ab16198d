import random
import torch
import torch.nn as nn
import torch.optim as optim
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

SEED = 1234
torch.manual_seed(SEED)
MAX_VOCAB = 25_000
BATCH_SIZE = 64
device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')


class ReviewDataset(Dataset):
    def __init__(self, reviews, labels):
        self.reviews, self.labels = reviews, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return torch.tensor(self.reviews[i], dtype=torch.long), float(self.labels[i])


def collate(batch):
    batch.sort(key=lambda b: len(b[0]), reverse=True)
    texts, labels = zip(*batch)
    lengths = torch.tensor([len(t) for t in texts])
    return pad_sequence(texts, batch_first=True, padding_value=1), lengths, torch.tensor(labels)


class RNN(nn.Module):
    def __init__(self, vocab_size, embedding_dim, hidden_dim, output_dim, n_layers, dropout, pad_idx):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_dim, padding_idx=pad_idx)
        self.rnn = nn.LSTM(embedding_dim, hidden_dim, num_layers=n_layers, bidirectional=True,
                           dropout=dropout, batch_first=True)
        self.fc = nn.Linear(hidden_dim * 2, output_dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, text, text_lengths):
        embedded = self.dropout(self.embedding(text))
        packed = pack_padded_sequence(embedded, text_lengths.cpu(), batch_first=True)
        _, (hidden, cell) = self.rnn(packed)
        hidden = self.dropout(torch.cat((hidden[-2], hidden[-1]), dim=1))
        return self.fc(hidden)


def binary_accuracy(preds, y):
    rounded = torch.round(torch.sigmoid(preds))
    return (rounded == y).float().mean()


def train(model, iterator, optimizer, criterion):
    epoch_loss = epoch_acc = 0
    model.train()
    for text, lengths, label in iterator:
        text, label = text.to(device), label.to(device)
        optimizer.zero_grad()
        predictions = model(text, lengths).squeeze(1)
        loss = criterion(predictions, label)
        acc = binary_accuracy(predictions, label)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        epoch_loss += loss.item()
        epoch_acc += acc.item()
    return epoch_loss / len(iterator), epoch_acc / len(iterator)


def evaluate(model, iterator, criterion):
    epoch_loss = epoch_acc = 0
    model.eval()
    with torch.no_grad():
        for text, lengths, label in iterator:
            text, label = text.to(device), label.to(device)
            predictions = model(text, lengths).squeeze(1)
            epoch_loss += criterion(predictions, label).item()
            epoch_acc += binary_accuracy(predictions, label).item()
    return epoch_loss / len(iterator), epoch_acc / len(iterator)


if __name__ == '__main__':
    reviews = [[random.randrange(2, MAX_VOCAB) for _ in range(random.randint(20, 200))] for _ in range(5000)]
    labels = [random.randint(0, 1) for _ in reviews]
    train_iter = DataLoader(ReviewDataset(reviews[:4000], labels[:4000]), BATCH_SIZE, shuffle=True, collate_fn=collate)
    valid_iter = DataLoader(ReviewDataset(reviews[4000:], labels[4000:]), BATCH_SIZE, collate_fn=collate)

    model = RNN(MAX_VOCAB + 2, 100, 256, 1, 2, 0.5, 1).to(device)
    optimizer = optim.Adam(model.parameters())
    criterion = nn.BCEWithLogitsLoss().to(device)
    best_valid_loss = float('inf')
    for epoch in range(10):
        train_loss, train_acc = train(model, train_iter, optimizer, criterion)
        valid_loss, valid_acc = evaluate(model, valid_iter, criterion)
        if valid_loss < best_valid_loss:
            best_valid_loss = valid_loss
            torch.save(model.state_dict(), 'tut2-model.pt')
        print(f'Epoch: {epoch+1:02} | Train Loss: {train_loss:.3f} | Val. Acc: {valid_acc*100:.2f}%')

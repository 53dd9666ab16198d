import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

vocab_size = 20000
embed_size = 128
max_len = 150
label_cols = ['toxic', 'severe_toxic', 'obscene', 'threat', 'insult', 'identity_hate']


class KimCNN(nn.Module):
    """Convolutional Neural Networks for Sentence Classification."""

    def __init__(self, kernels=(3, 4, 5), n_filters=100):
        super(KimCNN, self).__init__()
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.convs = nn.ModuleList([nn.Conv1d(embed_size, n_filters, k) for k in kernels])
        self.fc = nn.Linear(n_filters * len(kernels), len(label_cols))
        self.dropout = nn.Dropout(0.3)

    def forward(self, x):
        x = self.embedding(x).transpose(1, 2)
        x = [F.relu(conv(x)) for conv in self.convs]
        x = [F.max_pool1d(c, c.size(2)).squeeze(2) for c in x]
        x = torch.cat(x, 1)
        x = self.fc(x)
        return self.dropout(x)


def train_model(model, train_dl, val_dl, n_epochs=5):
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    model = model.to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.BCELoss()
    for epoch in range(n_epochs):
        model.train()
        avg_loss = 0.
        for x_batch, y_batch in train_dl:
            x_batch, y_batch = x_batch.to(device), y_batch.to(device)
            optimizer.zero_grad()
            y_pred = model(x_batch)
            loss = criterion(y_pred, y_batch)
            loss.backward()
            optimizer.step()
            avg_loss += loss.item() / len(train_dl)

        model.eval()
        avg_val_loss = 0.
        with torch.no_grad():
            for x_batch, y_batch in val_dl:
                avg_val_loss += criterion(model(x_batch.to(device)), y_batch.to(device)).item() / len(val_dl)
        print('Epoch {}/{} \t loss={:.4f} \t val_loss={:.4f}'.format(epoch + 1, n_epochs, avg_loss, avg_val_loss))


if __name__ == '__main__':
    x_train, y_train = torch.load('train.pt')
    x_val, y_val = torch.load('val.pt')
    train_dl = DataLoader(TensorDataset(x_train, y_train.float()), batch_size=64, shuffle=True)
    val_dl = DataLoader(TensorDataset(x_val, y_val.float()), batch_size=256)
    train_model(KimCNN(), train_dl, val_dl)

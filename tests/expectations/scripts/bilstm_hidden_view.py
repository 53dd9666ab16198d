import pickle
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EMB, HID, CLASSES = 100, 128, 4


class NewsClassifier(nn.Module):
    def __init__(self, vocab, emb=EMB, hid=HID, classes=CLASSES):
        super().__init__()
        self.hid = hid
        self.emb = nn.Embedding(vocab, emb, padding_idx=0)
        self.gru = nn.GRU(emb, hid, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * hid, classes)

    def forward(self, x):
        _, h_n = self.gru(self.emb(x))
        h_n = h_n.view(-1, 2 * self.hid)
        return self.fc(h_n)


def evaluate(model, loader):
    model.eval()
    right = 0
    with torch.no_grad():
        for tokens, label in loader:
            right += (model(tokens).argmax(-1) == label).sum().item()
    model.train()
    return right / len(loader.dataset)


def main():
    with open('ag_news.pkl', 'rb') as f:
        train_x, train_y, test_x, test_y = pickle.load(f)
    train = DataLoader(TensorDataset(torch.LongTensor(train_x), torch.LongTensor(train_y)), batch_size=64, shuffle=True)
    test = DataLoader(TensorDataset(torch.LongTensor(test_x), torch.LongTensor(test_y)), batch_size=128)
    net = NewsClassifier(30000)
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    crit = nn.CrossEntropyLoss()
    for ep in range(8):
        ep_loss = 0
        for tokens, label in train:
            opt.zero_grad()
            loss = crit(net(tokens), label)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5)
            opt.step()
            ep_loss += loss.item()
        print('epoch', ep, ep_loss / len(train), evaluate(net, test))


if __name__ == '__main__':
    main()

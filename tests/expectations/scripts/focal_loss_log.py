import torch as th
import torch.nn as nn
import torch.nn.functional as F
import torch.utils.data as data


class LettersNet(nn.Module):
    def __init__(self, n_in=256, n_out=26):
        super().__init__()
        self.l1 = nn.Linear(n_in, 256)
        self.l2 = nn.Linear(256, 128)
        self.l3 = nn.Linear(128, n_out)

    def forward(self, x):
        x = F.relu(self.l1(x))
        x = F.dropout(x, 0.5)
        x = F.relu(self.l2(x))
        x = F.dropout(x, 0.5)
        x = F.relu(self.l3(x))
        return F.softmax(x, dim=1)


def focal_loss(probs, target, gamma=2.0):
    p = probs.gather(1, target.unsqueeze(1)).squeeze(1)
    return (-((1 - p) ** gamma) * th.log(p)).mean()


def cross_entropy(net, x, target):
    logp = th.log(net(x))
    return F.nll_loss(logp, target)


def main():
    x = th.load('letters_x.pt').float().div(255).view(-1, 256)
    y = th.load('letters_y.pt')
    idx = th.randperm(len(x))
    train, test = idx[:15000], idx[15000:]
    loader = data.DataLoader(data.TensorDataset(x[train], y[train]), batch_size=50, shuffle=True)
    net = LettersNet()
    opt = th.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(1, 41):
        net.train()
        s = 0
        for bx, by in loader:
            opt.zero_grad()
            loss = cross_entropy(net, bx, by)
            loss.backward()
            opt.step()
            s += loss.item()
        net.eval()
        with th.no_grad():
            acc = (net(x[test]).argmax(1) == y[test]).float().mean().item()
        print('epoch %d  loss %.4f  test acc %.4f' % (epoch, s / len(loader), acc))


if __name__ == '__main__':
    main()

import pandas as pd
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

CAT = ["store", "day_of_week", "state", "promo"]
CONT = ["distance", "temperature", "humidity", "trend"]
CARDINALITIES = [1116, 8, 13, 3]
EPOCHS = 20


class RossmannDataset(Dataset):
    def __init__(self, df, mean, std):
        self.cats = torch.tensor(df[CAT].values, dtype=torch.long)
        self.conts = torch.tensor(((df[CONT] - mean) / std).values, dtype=torch.float32)
        self.y = torch.tensor(df["log_sales"].values, dtype=torch.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.cats[i], self.conts[i], self.y[i]


class TabularModel(nn.Module):
    def __init__(self, cardinalities, n_cont, layers=(512, 256), ps=(0.2, 0.2), emb_drop=0.1):
        super().__init__()
        sizes = [(c, min(50, (c + 1) // 2)) for c in cardinalities]
        self.embeds = nn.ModuleList([nn.Embedding(c, s) for c, s in sizes])
        self.emb_drop = nn.Dropout(emb_drop)
        n_in = sum(s for _, s in sizes) + n_cont
        blocks = []
        for width, p in zip(layers, ps):
            blocks += [nn.Linear(n_in, width), nn.ReLU(inplace=True), nn.Dropout(p)]
            n_in = width
        self.layers = nn.Sequential(*blocks, nn.Linear(n_in, 1))

    def forward(self, x_cat, x_cont):
        x = torch.cat([e(x_cat[:, i]) for i, e in enumerate(self.embeds)], 1)
        x = torch.cat([self.emb_drop(x), x_cont], 1)
        return self.layers(x).squeeze(-1)


def run():
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    df = pd.read_feather("train.feather")
    train_df, valid_df = df[df.year < 2015], df[df.year == 2015]
    mean, std = train_df[CONT].mean(), train_df[CONT].std()
    train_dl = DataLoader(RossmannDataset(train_df, mean, std), batch_size=512, shuffle=True)
    valid_dl = DataLoader(RossmannDataset(valid_df, mean, std), batch_size=1024)

    net = TabularModel(CARDINALITIES, len(CONT)).to(device)
    opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=5e-3, epochs=EPOCHS, steps_per_epoch=len(train_dl))
    mse = nn.MSELoss()
    for epoch in range(EPOCHS):
        net.train()
        for cats, conts, y in train_dl:
            loss = mse(net(cats.to(device), conts.to(device)), y.to(device))
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
        net.eval()
        err = n = 0
        with torch.no_grad():
            for cats, conts, y in valid_dl:
                pred = net(cats.to(device), conts.to(device)).cpu()
                err += ((pred.exp() - y.exp()) / y.exp()).pow(2).sum().item()
                n += len(y)
        print("epoch", epoch, "rmspe", (err / n) ** 0.5)


run()

import torch
from torch import nn
from torch.cuda.amp import GradScaler, autocast
from torch.utils.data import DataLoader


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.SiLU())
        self.body = nn.Sequential(nn.Conv2d(32, 64, 3, 2, 1), nn.BatchNorm2d(64), nn.SiLU())
        self.fc = nn.Linear(64, 1)

    @autocast()
    def forward(self, x):
        x = self.body(self.stem(x)).mean((-2, -1))
        return self.fc(x).squeeze(-1)


def train(dataset, epochs=40):
    loader = DataLoader(dataset, batch_size=256, shuffle=True, drop_last=True)
    model = Net().cuda()
    scaler = GradScaler()
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    bce = nn.BCEWithLogitsLoss()
    for epoch in range(epochs):
        model.train()
        for x, y in loader:
            opt.zero_grad(set_to_none=True)
            with autocast():
                logits = model(x.cuda())
                loss = bce(logits, y.cuda().float())
            scaler.scale(loss).backward()
            scaler.unscale_(opt)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(opt)
            scaler.update()
        print(epoch, float(loss))

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

MODELS = {}


def register(name):
    def deco(cls):
        MODELS[name] = cls
        return cls
    return deco


@register("mlp")
class MLP(nn.Module):
    def __init__(self, in_dim=64, hidden=128, out_dim=10):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(in_dim, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, out_dim),
        )

    def forward(self, x):
        return self.net(x)


def create_model(name, **kwargs):
    return MODELS[name](**kwargs)


class Trainer:
    def __init__(self, model, train_loader, lr=1e-3, device="cpu"):
        self.model = model.to(device)
        self.loader = train_loader
        self.device = device
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)

    def run_epoch(self, epoch):
        self.model.train()
        total, correct, n = 0.0, 0, 0
        for x, y in self.loader:
            x, y = x.to(self.device), y.to(self.device)
            self.optimizer.zero_grad()
            logits = self.model(x)
            loss = self.criterion(logits, y)
            loss.backward()
            total += loss.item() * x.size(0)
            correct += (logits.argmax(1) == y).sum().item()
            n += x.size(0)
        print(f"epoch {epoch}: loss {total / n:.4f} acc {correct / n:.4f}")

    def fit(self, epochs):
        for epoch in range(epochs):
            self.run_epoch(epoch)


if __name__ == "__main__":
    device = "cuda" if torch.cuda.is_available() else "cpu"
    x, y = torch.load("digits.pt")
    loader = DataLoader(TensorDataset(x.float() / 16 - 0.5, y), batch_size=64, shuffle=True)
    Trainer(create_model("mlp"), loader, device=device).fit(30)

"""A small transformer that sorts news into four topics."""
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

from news import Topics


@dataclass
class Config:
    vocab_size: int = 8192
    length: int = 128
    width: int = 128
    heads: int = 4
    depth: int = 2
    classes: int = 4
    batch_size: int = 64
    lr: float = 3e-4
    epochs: int = 20


class SelfAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        q = q.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
        k = k.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
        v = v.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
        scores = q @ k.transpose(-2, -1) / math.sqrt(width // self.heads)
        mixed = scores.softmax(dim=-1) @ v
        mixed = mixed.transpose(1, 2).reshape(batch, length, width)
        return self.out(mixed)


class Layer(nn.Module):
    def __init__(self, width, heads, dropout=0.1):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
            nn.Dropout(dropout),
        )

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        x = x + self.mlp(self.norm2(x))
        return x


class Classifier(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.tokens = nn.Embedding(config.vocab_size, config.width)
        self.positions = nn.Parameter(torch.zeros(1, config.length, config.width))
        self.layers = nn.ModuleList([Layer(config.width, config.heads) for _ in range(config.depth)])
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.classes)

    def forward(self, ids):
        x = self.tokens(ids) + self.positions[:, : ids.shape[1]]
        for layer in self.layers:
            x = layer(x)
        x = self.norm(x).mean(dim=1)
        return self.head(x)


config = Config()
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
model = Classifier(config).to(device)
train_loader = DataLoader(
    Topics("train", config.length), batch_size=config.batch_size, shuffle=True, num_workers=2, pin_memory=True
)
test_loader = DataLoader(Topics("test", config.length), batch_size=256, num_workers=2, pin_memory=True)
optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr, weight_decay=0.01)

for epoch in range(config.epochs):
    model.train()
    total = 0.0
    for ids, topics in train_loader:
        ids, topics = ids.to(device), topics.to(device)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(ids), topics)
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    correct = seen = 0
    with torch.no_grad():
        for ids, topics in test_loader:
            ids, topics = ids.to(device), topics.to(device)
            correct += (model(ids).argmax(dim=-1) == topics).sum().item()
            seen += topics.numel()
    print(f"epoch {epoch}: loss {total / len(train_loader):.4f}, accuracy {correct / seen:.4f}")

"""A small language model with hand-written attention, and a text classifier from torch's own encoder layers.

Both take token numbers: nnlint makes integer inputs below the size of the vocabulary.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Config:
    """The size of the language model."""

    vocabulary: int = 5000
    context: int = 128
    layers: int = 4
    heads: int = 4
    width: int = 128
    dropout: float = 0.1


class CausalSelfAttention(nn.Module):
    """Every position reads itself and those before it."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        assert config.width % config.heads == 0
        self.heads = config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.proj = nn.Linear(config.width, config.width)
        self.drop = nn.Dropout(config.dropout)
        mask = torch.tril(torch.ones(config.context, config.context)).bool()
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, T, width) to the same."""
        n, t, c = x.shape
        q, k, v = (y.view(n, t, self.heads, c // self.heads).transpose(1, 2) for y in self.qkv(x).split(c, dim=2))
        scores = q @ k.transpose(-2, -1) / math.sqrt(k.size(-1))
        scores = scores.masked_fill(~self.mask[:t, :t], float("-inf"))
        y = self.drop(scores.softmax(dim=-1)) @ v
        return self.drop(self.proj(y.transpose(1, 2).reshape(n, t, c)))


class Block(nn.Module):
    """Attention and a two-layer network, each behind a norm and beside a skip."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width)
        self.attention = CausalSelfAttention(config)
        self.norm2 = nn.LayerNorm(config.width)
        self.mlp = nn.Sequential(
            nn.Linear(config.width, 4 * config.width),
            nn.GELU(),
            nn.Linear(4 * config.width, config.width),
            nn.Dropout(config.dropout),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, T, width) to the same."""
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class LanguageModel(nn.Module):
    """Scores for the next token; the output layer shares its weights with the embedding."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocabulary, config.width)
        self.positions = nn.Embedding(config.context, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.vocabulary, bias=False)
        self.head.weight = self.tokens.weight

    def forward(
        self, ids: torch.Tensor, targets: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Scores of shape (N, T, vocabulary) for tokens of shape (N, T), and the loss where targets are given."""
        _, t = ids.shape
        if t > self.config.context:
            raise ValueError(f"{t} tokens, but the context holds {self.config.context}")
        x = self.tokens(ids) + self.positions(torch.arange(t, device=ids.device))
        for block in self.blocks:
            x = block(x)
        scores = self.head(self.norm(x))
        if targets is None:
            return scores, None
        return scores, F.cross_entropy(scores.flatten(0, 1), targets.flatten())


class TextClassifier(nn.Module):
    """Torch's own encoder; the mean over the words that are no padding is classified."""

    def __init__(self, vocabulary: int, classes: int = 2, width: int = 64, padding: int = 0) -> None:
        super().__init__()
        self.padding = padding
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=padding)
        layer = nn.TransformerEncoderLayer(width, nhead=4, dim_feedforward=4 * width, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2)
        self.classifier = nn.Linear(width, classes)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Scores of shape (N, classes) for tokens of shape (N, T)."""
        padded = ids == self.padding
        x = self.encoder(self.embedding(ids), src_key_padding_mask=padded)
        words = (~padded).unsqueeze(-1)
        return self.classifier((x * words).sum(1) / words.sum(1).clamp(min=1))


if __name__ == "__main__":
    language_model = LanguageModel(Config(layers=2))
    ids = torch.randint(5000, (2, 32))
    _, loss = language_model(ids, targets=ids.roll(-1, 1))
    print(loss)

    classifier = TextClassifier(vocabulary=20000, classes=4)
    print(classifier(torch.randint(1, 20000, (2, 50))).shape)

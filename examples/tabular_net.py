"""A network for rows of numbers, which a table has: fully connected layers, each with batch norm and ReLU.

It answers yes or no with one score, or gives one number:

    nnlint train examples/tabular_net.py --data breast-cancer
    nnlint train examples/tabular_net.py --data diabetes
"""

import torch
from torch import nn


class TabularNet(nn.Module):
    """Two hidden layers of decreasing width, light dropout after the last norm, and a plain linear head."""

    def __init__(self, features: int = 30, outputs: int = 1, width: int = 64, dropout: float = 0.2) -> None:
        super().__init__()
        self.hidden = nn.Sequential(*layer(features, width), *layer(width, width // 2))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width // 2, outputs)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Scores or numbers of shape (N, outputs) for rows of shape (N, features), best standardised."""
        return self.head(self.dropout(self.hidden(rows)))


def layer(inputs: int, outputs: int) -> list[nn.Module]:
    """One weighted layer: the batch norm brings its own bias, and the ReLU overwrites what only it reads."""
    return [nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU(inplace=True)]

"""How loud dropout-before-batch-norm is."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import nnlint


class Residual(nn.Module):
    def __init__(self, p: float) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(16, 16), nn.ReLU(inplace=True), nn.Dropout(p), nn.Linear(16, 16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)


def far(p: float) -> nn.Module:
    return nn.Sequential(nn.Dropout(p), nn.Linear(16, 16), nn.BatchNorm1d(16), nn.ReLU(inplace=True), nn.Linear(16, 2))


def near(p: float) -> nn.Module:
    return nn.Sequential(nn.Dropout(p), nn.BatchNorm1d(16), nn.Linear(16, 2))


def inside(p: float) -> nn.Module:
    return nn.Sequential(Residual(p), nn.Linear(16, 16, bias=False), nn.BatchNorm1d(16), nn.Linear(16, 2))


@pytest.mark.parametrize(
    ("net", "level"),
    [
        (far(0.2), "warning"),
        (far(0.5), "warning"),
        (far(0.15), "info"),
        (near(0.15), "warning"),
        (inside(0.5), "info"),
    ],
)
def test_weak_dropout_and_residual_blocks_are_notes(net: nn.Module, level: str) -> None:
    report = nnlint.lint(net, torch.randn(4, 16), select=["dropout-before-batch-norm"])
    assert [finding.level for finding in report] == [level]

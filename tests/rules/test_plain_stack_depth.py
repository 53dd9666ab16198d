"""From what depth on plain-stack-too-deep speaks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import nnlint


def stack(depth: int, *, norm: bool) -> nn.Module:
    layers: list[nn.Module] = []
    for _ in range(depth - 1):
        layers += [nn.Linear(16, 16, bias=not norm), *[nn.BatchNorm1d(16)] * norm, nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.Linear(16, 4))


@pytest.mark.parametrize(("norm", "deep"), [(False, 12), (True, 20)])
def test_one_layer_less_is_not_too_deep(norm: bool, deep: int) -> None:
    """Eleven layers without a norm could be trained from a random start in 2014."""
    counts = [
        len(list(nnlint.lint(stack(depth, norm=norm), torch.randn(4, 16), select=["plain-stack-too-deep"])))
        for depth in (deep - 1, deep)
    ]
    assert counts == [0, 1]

"""Modules that take another way in training are told from those that merely hand the mode on."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from nnlint.trace.build import build_graph
from nnlint.trace.modal import modal_modules
from nnlint.trace.record import record


class Statement(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return x
        return x.softmax(1)


class Negated(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            x = x.softmax(1)
        return x


class Expression(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if self.training else x.softmax(1)


class WithAnother(nn.Module):
    scale = True

    def forward(self, x: Tensor) -> Tensor:
        return x if self.scale and self.training else x.softmax(1)


class ByMethod(nn.Module):
    def finish(self, x: Tensor) -> Tensor:
        return x if self.training else x.softmax(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.finish(x)


class HandedOn(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x = F.dropout(x, 0.5, self.training)
        return x if len(x) > 1 else x.relu()


class Elsewhere(nn.Module):
    def report(self) -> str:
        return "training" if self.training else "evaluation"

    def forward(self, x: Tensor) -> Tensor:
        return x.relu()


@pytest.mark.parametrize("cls", [Statement, Negated, Expression, WithAnother, ByMethod])
def test_a_condition_on_the_mode(cls: type[nn.Module]) -> None:
    assert modal_modules(nn.Sequential(nn.Linear(4, 4), cls())) == ("1",)


@pytest.mark.parametrize("cls", [HandedOn, Elsewhere, nn.Dropout, nn.BatchNorm1d])
def test_no_condition_on_the_mode(cls: type[nn.Module]) -> None:
    assert modal_modules(cls(4) if cls is nn.BatchNorm1d else cls()) == ()


def test_the_graph_says_it() -> None:
    model = nn.Sequential(nn.Linear(4, 4), Expression())
    assert build_graph(record(model, torch.randn(2, 4)), model=model).modal == ("1",)

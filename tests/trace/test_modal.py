"""Modules that take another way in training are told from those that merely hand the mode on."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from nnlint.trace.build import build_graph
from nnlint.trace.modal import modal_modules, modal_results
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


class Variational(nn.Module):
    """Draws its code in training alone; what it returns is made in one way."""

    def __init__(self) -> None:
        super().__init__()
        self.encode, self.decode = nn.Linear(4, 4), nn.Linear(4, 4)

    def draw(self, code: Tensor) -> Tensor:
        if self.training:
            code = code + torch.randn_like(code)
        return code

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        code = self.encode(x)
        z = self.draw(code)
        return self.decode(z), code


class ByVariable(ByMethod):
    def forward(self, x: Tensor) -> Tensor:
        out = self.finish(x)
        self.last = out
        return out


@pytest.mark.parametrize("cls", [Statement, Negated, Expression, WithAnother, ByMethod, ByVariable])
def test_a_result_that_the_mode_decides(cls: type[nn.Module]) -> None:
    model = nn.Sequential(nn.Linear(4, 4), cls())
    assert modal_results(model, modal_modules(model)) == ("1",)


def test_a_way_that_ends_in_the_same_result() -> None:
    model = Variational()
    assert modal_modules(model) == ("",)
    assert modal_results(model, ("",)) == ()

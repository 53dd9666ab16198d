"""A second run with another batch size: when it is made, and what it is taken for."""

from pathlib import Path

import pytest

from nnlint.engine import run
from nnlint.finding import Finding
from nnlint.settings import Settings

_NET = """
import torch
from torch import nn
from torch.utils.data import DataLoader

batch_size = 20

class Net(nn.Module):
    def __init__(self, rows=20):
        super().__init__()
        self.rnn = nn.GRU(8, 16, batch_first=True)
        self.head = nn.Linear(16, 4)
        self.rows = rows

    def forward(self, x):
        out, _ = self.rnn(x, {state})
        return self.head(out[:, -1])

net = Net()
net(torch.rand(20, 12, 8))
"""
_TRAINING = """
loader = DataLoader(data, batch_size=20, shuffle=True, drop_last={drop_last})
optimizer = torch.optim.AdamW(net.parameters())
for features, labels in loader:
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(net(features), labels)
    loss.backward()
    optimizer.step()
"""


def _found(tmp_path: Path, text: str) -> list[Finding]:
    file = tmp_path / "net.py"
    file.write_text(text)
    return list(run([str(file)], Settings(select=("batch-mixed",))).findings)


@pytest.mark.parametrize("state", ["torch.zeros(1, batch_size, 16)", "torch.zeros(1, 20, 16)"])
def test_a_fixed_size_is_a_note(tmp_path: Path, state: str) -> None:
    (found,) = _found(tmp_path, _NET.format(state=state))
    assert (found.level, found.facts["batch"], found.facts["other"]) == ("info", 20, 40)
    assert found.site is not None
    assert found.site.line == 16


def test_a_fixed_size_meets_the_last_batch_of_a_loader(tmp_path: Path) -> None:
    text = _NET.format(state="torch.zeros(1, batch_size, 16)")
    assert [found.level for found in _found(tmp_path, text + _TRAINING.format(drop_last=False))] == ["error"]
    assert [found.level for found in _found(tmp_path, text + _TRAINING.format(drop_last=True))] == ["info"]


@pytest.mark.parametrize("state", ["torch.zeros(1, x.shape[0], 16)", "None", "torch.zeros(1, len(x), 16) * 20"])
def test_a_size_from_the_input(tmp_path: Path, state: str) -> None:
    assert _found(tmp_path, _NET.format(state=state)) == []


def test_a_local_name_is_taken_from_the_input(tmp_path: Path) -> None:
    text = _NET.format(state="torch.zeros(1, batch_size, 16)")
    text = text.replace("        out, _", "        batch_size = x.shape[0]\n        out, _")
    assert _found(tmp_path, text) == []


def test_images_in_a_list_are_no_batch(tmp_path: Path) -> None:
    text = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, images):
        mean = torch.tensor([0.4, 0.5, 0.6], device=images[0].device).view(3, 1, 1)
        return [self.conv((image - mean)[None]) for image in images]

net = Net()
net([torch.rand(3, 8, 8), torch.rand(3, 8, 8)])
"""
    assert _found(tmp_path, text) == []


def test_what_has_no_parameters_transforms_samples(tmp_path: Path) -> None:
    text = """
import torch
from torch import nn

class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("bank", torch.empty(0))

    def forward(self, x):
        if self.bank.numel() == 0:
            self.bank = torch.ones(x.shape[0], 4)
        return torch.zeros(2, 4) + x.T @ self.bank

net = Scale()
net(torch.rand(2, 2))
"""
    assert _found(tmp_path, text) == []

"""`Graph.idle`: modules that never ran and that no code reads."""

import textwrap
from pathlib import Path

import pytest
import torch

from nnlint.graph import Idle
from nnlint.load.load import load
from nnlint.script.read import read
from nnlint.trace.build import build_graph
from nnlint.trace.record import record

_HEAD = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 2)
"""


def _idle(tmp_path: Path, rest: str) -> tuple[Idle, ...]:
    file = tmp_path / "net.py"
    file.write_text(_HEAD + textwrap.indent(textwrap.dedent(rest), "    "))
    candidate = load(read(str(file)), "Net").candidates[0]
    recorded = record(candidate.module, (torch.rand(2, 4, device="meta"),), sites=candidate.sites)
    return build_graph(recorded, model=candidate.module).idle


_FORWARD = """
def forward(self, x):
    return self.first(x)
"""


def test_a_printed_text_names_no_attribute(tmp_path: Path) -> None:
    printed = (
        _FORWARD
        + """
def report(self, epoch):
    print(f"{epoch}: done")
"""
    )
    assert [idle.path for idle in _idle(tmp_path, printed)] == ["second"]


def test_nothing_reads_it(tmp_path: Path) -> None:
    (idle,) = _idle(tmp_path, _FORWARD)
    assert (idle.path, idle.type, idle.params) == ("second", "Linear", 10)
    assert idle.site is not None
    assert idle.site.line == 9


@pytest.mark.parametrize(
    "setting",
    [
        "nn.init.zeros_(self.second.weight)",
        "self.second.weight.data.normal_(0, 0.01)",
        "self.second.to('cpu').eval()",
        "self.second.bias.requires_grad_(False)",
    ],
)
def test_setting_it_up_is_no_use(tmp_path: Path, setting: str) -> None:
    assert [idle.path for idle in _idle(tmp_path, f"    {setting}\n{_FORWARD}")] == ["second"]


def test_another_class_has_one_of_that_name(tmp_path: Path) -> None:
    other = "\n\nclass Other(nn.Module):\n    def forward(self, x):\n        return self.second(x)\n"
    file = tmp_path / "net.py"
    assert [idle.path for idle in _idle(tmp_path, _FORWARD)] == ["second"]
    file.write_text(file.read_text() + other)
    candidate = load(read(str(file)), "Net").candidates[0]
    recorded = record(candidate.module, (torch.rand(2, 4, device="meta"),), sites=candidate.sites)
    assert [idle.path for idle in build_graph(recorded, model=candidate.module).idle] == ["second"]


@pytest.mark.parametrize(
    "use",
    [
        "def decode(self, z):\n    return self.second(z)",
        "def decode(net, z):\n    return net.second(z)",
        "def decode(self, z):\n    return torch.nn.functional.linear(z, self.second.weight)",
        "def decode(self, z, which='second'):\n    return getattr(self, which)(z)",
        "def decode(self, z, n):\n    return getattr(self, f'sec{n}')(z)",
        "def decode(self, z, n):\n    return getattr(self, 'sec' + n)(z)",
        "def decode(self, z):\n    return [child(z) for child in self.children()]",
    ],
)
def test_another_way_leads_to_it(tmp_path: Path, use: str) -> None:
    assert _idle(tmp_path, f"{_FORWARD}\n{use}\n") == ()

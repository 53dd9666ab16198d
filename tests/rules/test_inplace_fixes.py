"""The fixes of the rules about operations in place, applied to a file that is then trained."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nnlint.finding import Edit
from nnlint.trace.build import build_graph
from nnlint.trace.record import record
from nnlint_rules import relu_not_inplace, unsafe_inplace

_FILE = """\
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.act = {layer}

    def forward(self, x):
        x = self.stem(x)
        {line}
        return self.conv(x)
"""


def _net(source: str, file: Path) -> nn.Module:
    file.write_text(source)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    torch.manual_seed(0)
    made: nn.Module = module.Net()
    return made


def _mended(rule: ModuleType, source: str, file: Path) -> str:
    net = _net(source, file).eval().to("meta")
    graph = build_graph(record(net, (torch.empty(2, 3, 6, 6, device="meta"),)), model=net)
    edits: set[Edit] = {rule.mend.function(finding) for finding in rule.check.function(graph)}
    (edit,) = edits
    lines = source.splitlines(keepends=True)
    assert edit.site.line == edit.site.end_line
    line = lines[edit.site.line - 1]
    lines[edit.site.line - 1] = line[: edit.site.column - 1] + edit.text + line[edit.site.end_column - 1 :]
    return "".join(lines)


def _trained(net: nn.Module) -> list[Any]:
    torch.manual_seed(1)
    loss: Tensor = net.train()(torch.rand(2, 3, 6, 6)).square().mean()
    loss.backward()
    return [loss.detach(), *(param.grad for param in net.parameters())]


@pytest.mark.parametrize(
    ("layer", "line", "mended"),
    [
        ("nn.ReLU()", "x = self.act(x)", "self.act = nn.ReLU(inplace=True)"),
        ("nn.LeakyReLU(0.2)", "x = self.act(x)", "self.act = nn.LeakyReLU(0.2, inplace=True)"),
        ("nn.ReLU(False)", "x = self.act(x)", "self.act = nn.ReLU(True)"),
        ("nn.Identity()", "x = F.relu(self.act(x))", "x = F.relu(self.act(x), inplace=True)"),
        ("nn.Identity()", "x = torch.relu(x)", "x = torch.relu_(x)"),
        ("nn.Identity()", "x = x.relu()", "x = x.relu_()"),
        ("nn.Identity()", "x = F.leaky_relu(x, 0.1)", "x = F.leaky_relu(x, 0.1, inplace=True)"),
    ],
)
def test_in_place(layer: str, line: str, mended: str, tmp_path: Path) -> None:
    source = _FILE.format(layer=layer, line=line)
    result = _mended(relu_not_inplace, source, tmp_path / "before_it.py")
    assert f"        {mended}\n" in result
    before, after = _net(source, tmp_path / "old_form.py"), _net(result, tmp_path / "new_form.py")
    assert all(torch.equal(a, b) for a, b in zip(_trained(before), _trained(after), strict=True))


@pytest.mark.parametrize(
    ("layer", "line", "mended"),
    [
        ("nn.ReLU(inplace=True)", "x = self.act(x.sigmoid())", "self.act = nn.ReLU()"),
        ("nn.LeakyReLU(0.2, True)", "x = self.act(x.exp())", "self.act = nn.LeakyReLU(0.2)"),
        ("nn.Dropout(0.5, inplace=True)", "x = self.act(x.tanh())", "self.act = nn.Dropout(0.5)"),
        ("nn.Identity()", "x = F.relu(x.tanh(), inplace=True)", "x = F.relu(x.tanh())"),
        ("nn.Identity()", "x = F.relu_(x.tanh())", "x = F.relu(x.tanh())"),
        ("nn.Identity()", "x = x.exp().clamp_(max=2)", "x = x.exp().clamp(max=2)"),
        ("nn.Identity()", "x += self.conv(x)", "x = x + self.conv(x)"),
    ],
)
def test_out_of_place(layer: str, line: str, mended: str, tmp_path: Path) -> None:
    source = _FILE.format(layer=layer, line=line)
    with pytest.raises(RuntimeError, match="inplace"):
        _trained(_net(source, tmp_path / "raises.py"))
    result = _mended(unsafe_inplace, source, tmp_path / "before_it.py")
    assert f"        {mended}\n" in result
    _trained(_net(result, tmp_path / "new_form.py"))


def test_nobody_is_told_what_was_meant(tmp_path: Path) -> None:
    source = _FILE.format(layer="nn.ReLU(inplace=True)", line="x = self.act(x) + x")
    net = _net(source, tmp_path / "silent.py")
    graph = build_graph(record(net.eval(), (torch.rand(2, 3, 6, 6),)), model=net)
    (finding,) = unsafe_inplace.check.function(graph)
    assert unsafe_inplace.mend.function(finding) is None

"""Variables of the same name in several functions: each network is judged by what its own function says."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnlint.examine.file import examine_file
from nnlint.report.model import FileReport
from nnlint.settings import Settings

pytestmark = pytest.mark.usefixtures("unchanged_process")

HEAD = """\
import torch
from torch import nn

def images():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Flatten(), nn.Linear(8 * 16 * 16, 2))
    nn.functional.cross_entropy(net(torch.rand(4, 3, 16, 16)), torch.tensor([0, 1, 0, 1])).backward()
    return net
"""
OTHER = """
def vectors():
    net = nn.Sequential(nn.Linear(64, 64), nn.Sigmoid())
    nn.functional.binary_cross_entropy(net(data), target).backward()
"""
FROM_THERE = """
def main():
    net = images()
    net(torch.rand(4, 3, 24, 24))
"""


def examine(tmp_path: Path, source: str, *rules: str) -> FileReport:
    path = tmp_path / "net.py"
    path.write_text(HEAD + source)
    return examine_file(str(path), None, Settings(rules=rules))


def test_the_input_of_one_function_is_not_for_the_network_of_another(tmp_path: Path) -> None:
    report = examine(tmp_path, OTHER, "shape-mismatch")
    assert [network.inputs for network in report.networks] == [("4x3x16x16",), ("2x64",)]
    assert report.findings == ()


def test_nor_is_its_loss(tmp_path: Path) -> None:
    rules = ("bce-loss-without-sigmoid", "softmax-before-cross-entropy")
    assert examine(tmp_path, OTHER, *rules).findings == ()


def test_a_network_that_another_function_makes_is_meant(tmp_path: Path) -> None:
    text = HEAD.replace("    nn.functional.cross_entropy(net(torch.rand(4, 3, 16, 16)), torch", "    print(torch")
    path = tmp_path / "net.py"
    path.write_text(text.replace(".backward()", "") + FROM_THERE)
    report = examine_file(str(path), None, Settings(rules=("shape-mismatch",)))
    assert [found.rule for found in report.findings] == ["shape-mismatch"]


SEVERAL = """
import torch
from torch import nn

def wrap(net):
    return net

def run(net, x):
    return net(x).sum()

net = wrap(nn.Sequential(nn.Linear(2, 1)))
run(net, torch.rand(3, 2))
net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
net = wrap(net)
run(net, load())
"""


def test_a_variable_that_is_set_again_holds_another_network(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(SEVERAL)
    assert examine_file(str(path), None, Settings(rules=("shape-mismatch",))).findings == ()


def test_and_is_judged_by_what_follows(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(SEVERAL.replace("run(net, load())", "net(torch.rand(3, 500))"))
    report = examine_file(str(path), None, Settings(rules=("shape-mismatch",)))
    assert [found.facts["got"] for found in report.findings] == [500]

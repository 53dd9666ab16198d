"""What fixes do not touch though the network alone would let them, and what may come to light by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnlint import engine
from nnlint.fix import run
from nnlint.settings import Settings

LOOP = """\
import torch
import torch.nn.functional as F
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 1))
x, y = torch.rand(64, 16), torch.rand(64, 1).round()
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
for _ in range(30):
    optimizer.zero_grad()
    logits = net(x)
    probs = torch.sigmoid(logits)
    loss = F.binary_cross_entropy(probs, y)
    loss.backward()
    optimizer.step()
"""


def fixed(file: Path, text: str, session: engine.Session, *rules: str) -> run.Result:
    """A text with the fixes of rules."""
    file.write_text(text, "utf-8")
    return run.fix([str(file)], Settings(select=rules), unsafe=True, session=session)


def test_a_variable_with_one_reader_goes_with_its_activation(tmp_path: Path, session: engine.Session) -> None:
    result = fixed(tmp_path / "net.py", LOOP, session, "sigmoid-with-bce-loss")
    assert result.changes[0].text == LOOP.replace("    probs = torch.sigmoid(logits)\n", "").replace(
        "F.binary_cross_entropy(probs, y)", "F.binary_cross_entropy_with_logits(logits, y)"
    )


def test_a_metric_keeps_the_probabilities_it_reads(tmp_path: Path, session: engine.Session) -> None:
    text = LOOP + "    print(((probs > 0.5) == y).float().mean())\n"
    result = fixed(tmp_path / "net.py", text, session, "sigmoid-with-bce-loss")
    assert [finding.rule for finding in result.report.findings] == ["sigmoid-with-bce-loss"]
    assert (result.changes, result.report.taken_back) == ((), ())


def test_a_network_that_runs_at_last_may_have_other_faults(tmp_path: Path, session: engine.Session) -> None:
    text = """\
import torch
from torch import nn

net = nn.Sequential(nn.Linear(15, 32), nn.ReLU(inplace=True), nn.Linear(32, 1), nn.Softmax(dim=1), nn.Tanh())
print(net(torch.rand(64, 16)).shape)
"""
    result = fixed(tmp_path / "net.py", text, session, "shape-mismatch", "softmax-over-single-unit")
    assert result.changes[0].text.count("nn.Linear(16, 32)") == 1
    assert {finding.rule for finding in result.report.fixed} >= {"shape-mismatch"}
    assert result.report.taken_back == ()


SHARED = """\
from torch import nn


def make(norm):
    conv = nn.Conv2d(3, 16, 3, padding=1)
    layers = [conv, nn.BatchNorm2d(16), nn.ReLU(inplace=True)] if norm else [conv, nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))


def first():
    return make({first})


def second():
    return make({second})
"""


def test_an_expression_that_another_network_needs_as_it_is_stays(tmp_path: Path, session: engine.Session) -> None:
    for first, second in ((False, True), (True, False)):
        text = SHARED.format(first=first, second=second)
        result = fixed(tmp_path / "net.py", text, session, "bias-before-batch-norm")
        assert [finding.rule for finding in result.report.findings] == ["bias-before-batch-norm"]
        assert result.changes == ()
    result = fixed(tmp_path / "net.py", SHARED.format(first=True, second=True), session, "bias-before-batch-norm")
    assert "padding=1, bias=False" in result.changes[0].text


def test_fixes_are_verified_together(tmp_path: Path, session: engine.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []
    one = run._Trials._try

    def count(self: run._Trials, before, accepted, fixes):
        tried.append(len(fixes))
        return one(self, before, accepted, fixes)

    monkeypatch.setattr(run._Trials, "_try", count)
    layers = "nn.Linear(16, 16), nn.BatchNorm1d(16), nn.ReLU(inplace=True), " * 6
    text = f"from torch import nn\n\n# nnlint: input=16\nnet = nn.Sequential({layers}nn.Linear(16, 2))\n"
    result = fixed(tmp_path / "net.py", text, session, "bias-before-batch-norm")
    assert result.changes[0].text.count("bias=False") == 6
    assert tried == [6]  # verified together, once

"""Fixes of several files in one run: one file's are no matter of another's, unless it imports it."""

from __future__ import annotations

from pathlib import Path

from nnlint import lint_paths

FIRST = """\
from torch import nn

# nnlint: input=3x16x16
first = nn.Sequential(
    nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1)
)
"""
SECOND = """\
from torch import nn

# nnlint: input=8
second = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
"""
RULES = ("bias-before-batch-norm", "relu-not-inplace")


def test_an_unsafe_fix_of_one_file_does_not_cancel_those_of_the_next(tmp_path: Path) -> None:
    first, second = tmp_path / "first.py", tmp_path / "second.py"
    first.write_text(FIRST)
    second.write_text(SECOND)
    report = lint_paths([str(first), str(second)], select=RULES, fix=True, unsafe_fixes=True, isolated=True)
    assert report.taken_back == ()
    assert report.findings == ()
    assert "nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True)" in first.read_text()
    assert second.read_text() == SECOND.replace("nn.ReLU()", "nn.ReLU(inplace=True)")


def test_an_unsafe_fix_of_a_block_is_no_objection_of_who_imports_it(tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text(FIRST)
    user = tmp_path / "user.py"
    user.write_text(
        "from torch import nn\n\nfrom first import first\n\n# nnlint: input=3x16x16\nnet = nn.Sequential(first)\n"
    )
    report = lint_paths(
        [str(tmp_path / "first.py"), str(user)], select=RULES, fix=True, unsafe_fixes=True, isolated=True
    )
    assert report.taken_back == ()
    assert "bias=False" in (tmp_path / "first.py").read_text()

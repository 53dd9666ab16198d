"""Findings left out by comments and by patterns, and ignores that ignore nothing."""

from pathlib import Path

import pytest

from nnlint import engine, lint_paths
from nnlint.finding import Finding
from nnlint.settings import Settings
from nnlint.site import Site
from nnlint.suppress import read_ignores, sift

SOURCE = """\
# nnlint: ignore-file[small-batch] -- a toy
class Net(nn.Module):  # nnlint: ignore[dropout]
    def __init__(self):
        self.a = nn.Conv2d(  # nnlint: ignore[conv-kernel-not-3x3, conv-kernel-even] -- the stem of the paper
            3, 64, 8,
        )

    # nnlint: ignore[missing-activation]
    # a plain comment between
    def forward(self, x):
        return x


text = "# nnlint: ignore[loss]"
net = Net()  # nnlint: ignore
"""


def test_what_a_comment_is_for() -> None:
    found = read_ignores(SOURCE, "net.py")
    assert [(ignore.words, ignore.first, ignore.last, ignore.reason) for ignore in found] == [
        (("small-batch",), 1, 15, "a toy"),
        (("dropout",), 2, 11, ""),
        (("conv-kernel-not-3x3", "conv-kernel-even"), 4, 4, "the stem of the paper"),
        (("missing-activation",), 10, 11, ""),
        ((), 15, 15, ""),
    ]


@pytest.mark.parametrize(
    ("comment", "word"),
    [
        ("# nnlint: ingore[dropout]", "ingore"),
        ("# nnlint: ignor -- later", "ignor"),
        ("# nnlint: disable", "disable"),
        ("# nnlint: allow[dropout]", "allow"),
        ("# nnlint: ignored because of the paper", ""),
        ("# nnlint: skip connections are counted twice", ""),
        ("# nnlint: see the README", ""),
        ("# nnlint is not run here", ""),
    ],
)
def test_a_misspelt_comment_is_found(comment: str, word: str) -> None:
    found = read_ignores(f"x = 1  {comment}\n", "net.py")
    assert [ignore.misspelt for ignore in found] == ([word] if word else [])


def finding(rule: str, line: int, category: str = "convolution", path: str = "") -> Finding:
    paths = (path,) if path else ()
    return Finding("…", Site("net.py", line, 1, line + 1, 5), rule=rule, category=category, paths=paths)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(SOURCE)
    return tmp_path / "net.py"


@pytest.mark.parametrize(
    ("rule", "line", "category", "reason"),
    [
        ("small-batch", 15, "normalisation", "a toy"),
        ("dropout-at-output", 5, "dropout", ""),
        ("dropout-at-output", 12, "dropout", None),
        ("conv-kernel-even", 4, "convolution", "the stem of the paper"),
        # the comment stands on one line of the expression
        ("conv-kernel-even", 3, "convolution", "the stem of the paper"),
        ("conv-kernel-even", 5, "convolution", None),
        ("missing-activation", 11, "activation", ""),
        ("bce-loss-without-sigmoid", 14, "loss", None),
        ("internal-error", 4, "convolution", None),
    ],
)
def test_by_comment(file: Path, rule: str, line: int, category: str, reason: str | None) -> None:
    sifted = sift([finding(rule, line, category)], Settings())
    assert [why for _, why in sifted.ignored] == ([] if reason is None else [reason])
    assert len(sifted.kept) == (reason is None)


@pytest.mark.parametrize(
    ("pattern", "word", "ignored"),
    [
        ("net.py", "small-batch", True),
        ("*.py", "normalisation", True),
        ("tests/*", "small-batch", False),
        ("net.py", "loss", False),
        ("net.py", "all", True),
    ],
)
def test_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, word: str, ignored: bool) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(file_ignores=((pattern, (word,)),))
    assert bool(sift([finding("small-batch", 1, "normalisation")], settings).ignored) is ignored


def test_by_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(module_ignores=(("encoder.*", ("small-batch",)),))
    inside = finding("small-batch", 1, path="encoder.layer.norm")
    outside = finding("small-batch", 1, path="decoder.norm")
    assert sift([inside, outside], settings).kept == (outside,)


NET = """\
import torch
from torch import nn


def helper(width):
    if width > 3:
        return None
    return nn.Conv2d(3, width, 1)  # nnlint: ignore[dropout-before-batch-norm] -- nobody calls it





class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)  # nnlint: ignore[dropout-before-batch-norm]
        self.drop = nn.Dropout(0.5)
        self.norm = nn.BatchNorm2d(8)  # nnlint: ignore[dropout-before-batch-norm] -- tried, and better so

    def forward(self, x):
        return self.norm(self.drop(self.conv(x))).relu()  # nnlint: ignore[dropuot-before-batch-norm]


net = Net()  # nnlint: ignore[small-batch]
net(torch.rand(2, 3, 32, 32))
"""


def test_ignores_that_ignore_nothing_are_found_where_their_rule_looked(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(NET)
    rules = ("dropout-before-batch-norm", "unused-ignore")
    report = engine.run([str(file)], Settings(select=rules))
    assert [(found.rule, found.site.line, found.message) for found in report if found.site] == [
        ("unused-ignore", 17, "there is no finding of 'dropout-before-batch-norm' here to ignore; remove it"),
        (
            "unused-ignore",
            22,
            "there is no rule 'dropuot-before-batch-norm' to ignore; "
            "did you mean 'dropout-before-batch-norm'? `nnlint rules` lists them",
        ),
    ]
    ((ignored, reason),) = report.files[0].ignored
    assert (ignored.rule, reason) == ("dropout-before-batch-norm", "tried, and better so")


def test_nothing_is_said_of_ignores_unless_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(NET)
    assert not lint_paths([str(file)], select=["dropout-before-batch-norm"]).findings

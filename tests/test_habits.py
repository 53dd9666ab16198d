"""Training scripts in the styles that people write them in: what the rules of data and of modes say of each.

The first line of a script names the rules that find something in it: ``# expect: no-epoch-metrics``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from nnlint.engine import run
from nnlint.settings import Settings

SCRIPTS = sorted((Path(__file__).parent / "habits").glob("*.py"))
RULES = (
    "training-data-not-shuffled",
    "samples-grouped-by-class",
    "no-epoch-metrics",
    "uncommon-epoch-count",
    "no-mini-batches",
    "missing-eval-mode",
    "missing-train-mode",
    "preprocessing-in-training-loop",
    "train-val-overlap",
    "unnormalised-input",
)


@pytest.fixture(scope="module")
def found() -> dict[str, set[str]]:
    """Script → the rules that find something in it; all are examined in one run."""
    report = run([str(path) for path in SCRIPTS], Settings(select=RULES))
    assert [file.errors for file in report.files if file.errors] == []
    return {Path(file.path).name: {finding.rule for finding in file.findings} for file in report.files}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script(path: Path, found: dict[str, set[str]]) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# expect:")
    assert found[path.name] == set(filter(None, first.removeprefix("# expect:").strip().split(",")))

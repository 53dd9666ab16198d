"""Training loops as people write them: what the rules of optimisation find in each, and that they find nothing else.

The first line of every script in `loops/` names the rules that it departs from, errors and warnings alone.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from nnlint.engine import run
from nnlint.report.model import FileReport
from nnlint.settings import Settings

SCRIPTS = sorted(Path(__file__).with_name("loops").glob("*.py"))


@pytest.fixture(scope="module")
def reports() -> dict[str, FileReport]:
    """The reports on all the scripts, by name."""
    report = run([str(path) for path in SCRIPTS], Settings(select=("optimisation", "cuda")))
    return {Path(file.path).stem: file for file in report.files}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_what_is_found(script: Path, reports: dict[str, FileReport]) -> None:
    first = script.read_text(encoding="utf-8").partition("\n")[0]
    expected = set(first.removeprefix("# found: ").split(", ")) - {"nothing"}
    report = reports[script.stem]
    assert report.errors == ()
    assert {finding.rule for finding in report.findings if finding.level != "info"} == expected


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_are_python_that_says_what_is_found(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert text.startswith("# found: ")
    compile(text, script.name, "exec")

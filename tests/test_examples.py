"""What nnlint says of the examples, word for word, and the trees that `nnlint graph` draws of them.

After a change that is meant to be seen, write the files in `tests/golden/` anew, and read what became different:

    UPDATE_GOLDEN=1 python -m pytest tests/test_examples.py
    git diff tests/golden
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nnlint.cli import output
from nnlint.engine import run
from nnlint.report import tree
from nnlint.report.model import Report
from nnlint.report.style import Style
from nnlint.settings import Settings

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden"
NAMES = sorted(path.stem for path in (ROOT / "examples").iterdir() if path.suffix == ".py" or path.is_dir())
every_example = pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("_")])


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    """A report on every example, all from one run."""
    with contextlib.chdir(ROOT):
        report = run(["examples"], Settings(rows=True))
    assert not report.failed
    found: dict[str, Report] = {}
    for file in report.files:
        name = Path(file.path).relative_to("examples").parts[0].removesuffix(".py")
        found[name] = Report((*found.get(name, Report(())).files, file))
    return found


def compare(name: str, text: str) -> None:
    """Fails where a text is not what the file of that name says."""
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8"), "see the docstring of this test file"


@every_example
def test_findings(name: str, reports: dict[str, Report]) -> None:
    with contextlib.chdir(ROOT):  # the lines that are quoted are read again
        text = output.rendered(reports[name], "full", Style(), quiet=False, verbose=True, statistics=False)
    compare(name, text)


# the tips' networks are many, small and alike: what the rules say of them is worth reading, their trees are not
@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("_") and name != "tips"])
def test_graph(name: str, reports: dict[str, Report]) -> None:
    compare(f"{name}.graph", tree.render(reports[name]))


def test_every_network_is_traced(reports: dict[str, Report]) -> None:
    networks = [network for report in reports.values() for network in report.networks]
    assert {network.target: network.reason for network in networks if network.status != "traced"} == {}


def test_the_reference_network_is_clean(reports: dict[str, Report]) -> None:
    assert reports["reference_net"].networks
    assert not reports["reference_net"].findings


def test_no_file_is_left_over() -> None:
    assert sorted({path.name.split(".")[0] for path in GOLDEN.iterdir()}) == [n for n in NAMES if n[0] != "_"]


def test_the_command_prints_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nnlint", "examples/departing_net.py", "--verbose"],
        cwd=ROOT,
        env=os.environ | {"NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    assert done.stdout == (GOLDEN / "departing_net.txt").read_text(encoding="utf-8")
    assert done.returncode == 1

"""The scripts in `tests/scripts/`, all in one run, against what a careful reader expects of them (`expected.toml`)."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import shutil
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from nnlint.engine import run
from nnlint.finding import Finding
from nnlint.recipe import Loss, Recipe
from nnlint.report.model import FileReport, NetworkReport
from nnlint.script.read import read
from nnlint.settings import Settings

SCRIPTS = Path(__file__).parent / "scripts"
TABLE: dict[str, Any] = tomllib.loads((SCRIPTS / "expected.toml").read_text(encoding="utf-8"))
RULES = TABLE.pop("rules")


def is_comparable(expected: dict[str, Any]) -> bool:
    """Whether none of the packages that must be absent is installed."""
    return not any(importlib.util.find_spec(package) for package in expected.get("absent", ()))


NAMES = [name for name, expected in TABLE.items() if is_comparable(expected)]
every_script = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the scripts, as the current folder."""
    folder = tmp_path_factory.mktemp("scripts")
    shutil.copytree(SCRIPTS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    with contextlib.chdir(folder):
        yield folder


@pytest.fixture(scope="module")
def reports(folder: Path) -> dict[str, FileReport]:
    """What nnlint says of every script, from one run."""
    before = contents(folder)
    report = run([f"{name}.py" for name in NAMES], Settings())
    assert contents(folder) == before, "linting changed the folder"
    assert not report.errors
    return dict(zip(NAMES, report.files, strict=True))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_script_has_its_row() -> None:
    assert sorted(TABLE) == sorted(path.stem for path in SCRIPTS.glob("*.py"))


@every_script
def test_networks(name: str, reports: dict[str, FileReport]) -> None:
    report, expected = reports[name], TABLE[name]
    if error := expected.get("error"):
        assert any(fnmatchcase(text, error) for text in report.errors), report.errors
    else:
        assert not report.errors
    assert report.empty == expected.get("empty", False)
    missing = [pattern for pattern in expected["networks"] if not any(fits(n, pattern) for n in report.networks)]
    surplus = [n for n in report.networks if not any(fits(n, pattern) for pattern in expected["networks"])]
    assert (missing, [f"{shown(n)} ({n.reason or n.input_source})" for n in surplus]) == ([], [])
    for network, params in expected.get("params", {}).items():
        assert {n.params for n in report.networks if n.name == network} == {params}


def fits(network: NetworkReport, pattern: str) -> bool:
    """Whether a network is what a row of the table says."""
    name, _, what = pattern.partition(": ")
    return fnmatchcase(network.name, name) and (what == "any" or fnmatchcase(shown(network), f"*: {what}"))


def shown(network: NetworkReport) -> str:
    """A network as the table writes it."""
    return f"{network.name}: {', '.join(network.inputs) if network.status == 'traced' else network.status}"


@every_script
def test_findings(name: str, reports: dict[str, FileReport]) -> None:
    source = (SCRIPTS / f"{name}.py").read_bytes().decode("utf-8-sig")
    expected = sorted(place(entry, source) for entry in TABLE[name].get("findings", ()))
    found = sorted(said(finding) for finding in reports[name].findings if finding.rule in RULES)
    assert found == expected


def place(entry: str, source: str) -> str:
    """A row of the table with the line and column of its text."""
    what, text = entry.split(" at ", 1)
    start = source.index(text.replace("^", "")) + max(text.find("^"), 0)
    line = source.count("\n", 0, start) + 1
    column = start - source.rfind("\n", 0, start)
    return f"{what} at {line}:{column}"


def said(finding: Finding) -> str:
    """A finding as `place` writes it."""
    site = finding.site
    return f"{finding.rule} {finding.level} at {f'{site.line}:{site.column}' if site else 'nowhere'}"


@every_script
def test_training(name: str) -> None:
    expected = TABLE[name]
    if "error" in expected:
        return
    known = facts(read(str(SCRIPTS / f"{name}.py")).recipe)
    assert {key: value for key, value in known.items() if key in expected} == {
        key: value for key, value in expected.items() if key in known
    }


def facts(recipe: Recipe) -> dict[str, Any]:
    """What is known of a training, as the table writes it."""
    rates = [optimizer.arguments.get("lr") for optimizer in recipe.optimizers]
    return {
        "batch": [loader.batch_size.value for loader in recipe.training_loaders() if loader.batch_size],
        "optimizer": [optimizer.name for optimizer in recipe.optimizers],
        "lr": [rate.value for rate in rates if rate],
        "epochs": recipe.epochs.value if recipe.epochs else None,
        "losses": list(dict.fromkeys(judged(loss) for loss in recipe.losses)),
    }


def judged(loss: Loss) -> str:
    """A loss and what it judges; the steps that only reshape are left out."""
    steps = [step.name for step in loss.steps if not re.fullmatch("view|reshape|squeeze|flatten|getitem", step.name)]
    return " ".join([f"{loss.name} of {loss.network}", *(f"after {step}" for step in steps)])

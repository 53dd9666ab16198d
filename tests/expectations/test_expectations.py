"""The scripts in this folder, all in one run, against what was expected of them (`expected.toml`) before any rule ran.

``python tests/expectations/test_expectations.py --write`` writes `RESULTS.md`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from nnlint.engine import Session, run
from nnlint.settings import Settings

HERE = Path(__file__).parent
TABLE: dict[str, Any] = tomllib.loads((HERE / "expected.toml").read_text(encoding="utf-8"))
NAMES = [name for name, row in TABLE.items() if not any(map(importlib.util.find_spec, row.get("absent", ())))]

#: rule, line, level
Row = tuple[str, int, str]
every_file = pytest.mark.parametrize("name", NAMES)


def linted() -> dict[str, list[Row]]:
    """What is reported of every script, from one run in one session."""
    with contextlib.chdir(HERE / "scripts"), Session() as session:
        report = run([f"{name}.py" for name in NAMES], Settings(), session=session)
    assert not report.errors
    return {
        name: sorted({(found.rule, found.site.line if found.site else 0, found.level) for found in file.findings})
        for name, file in zip(NAMES, report.files, strict=True)
    }


def rows(name: str, key: str) -> set[Row]:
    """The warnings and errors of a list of a file's entry."""
    return {(row["rule"], row["line"], row["level"]) for row in TABLE[name].get(key, ()) if row["level"] != "info"}


def grave(found: Iterable[Row]) -> set[Row]:
    """The warnings and errors among findings."""
    return {row for row in found if row[2] != "info"}


@pytest.fixture(scope="module")
def reported() -> dict[str, list[Row]]:
    return linted()


def test_every_script_is_in_the_table() -> None:
    assert sorted(TABLE) == sorted(path.stem for path in (HERE / "scripts").glob("*.py"))


@every_file
def test_every_warning_and_error_is_expected(name: str, reported: dict[str, list[Row]]) -> None:
    assert grave(reported[name]) <= rows(name, "expect") | rows(name, "wrong")


@every_file
def test_everything_expected_is_reported(name: str, reported: dict[str, list[Row]]) -> None:
    assert rows(name, "expect") <= grave(reported[name])


@every_file
def test_notes_are_there_and_the_quiet_rules_are_quiet(name: str, reported: dict[str, list[Row]]) -> None:
    rules = {rule for rule, _, _ in reported[name]}
    assert set(TABLE[name]["notes"]) <= rules
    assert not rules & set(TABLE[name]["quiet"])


@pytest.mark.parametrize("name", [name for name in NAMES if {"missed", "wrong", "withdrawn"} & set(TABLE[name])])
def test_what_is_known_to_differ_still_does(name: str, reported: dict[str, list[Row]]) -> None:
    rules = {rule for rule, _, _ in reported[name]}
    for row in [*TABLE[name].get("missed", ()), *TABLE[name].get("withdrawn", ())]:
        assert row["rule"] not in rules, "found now: it belongs to `expect` or `notes`"
    assert rows(name, "wrong") <= grave(reported[name]), "no longer reported: it can be struck off"
    differing = [row for key in ("missed", "wrong", "withdrawn") for row in TABLE[name].get(key, ())]
    assert all(row["why"] for row in differing)


def test_the_results_are_written_down(reported: dict[str, list[Row]]) -> None:
    if len(reported) == len(TABLE):
        assert (HERE / "RESULTS.md").read_text(encoding="utf-8") == results(reported)


# -- the results


def results(reported: dict[str, list[Row]]) -> str:
    """The table of files, what was expected of each and what is reported."""
    found = {name: grave(reported[name]) for name in reported}
    true = sum(len(found[name] & rows(name, "expect")) for name in found)
    missed = sum(len(TABLE[name].get("missed", ())) for name in found)
    missed_notes = sum(row["level"] == "info" for name in found for row in TABLE[name].get("missed", ()))
    wrong = sum(len(found[name] - rows(name, "expect")) for name in found)
    notes = sum(len(TABLE[name]["notes"]) for name in found)
    sound = sum(not rows(name, "expect") | rows(name, "missed") for name in found)
    body = "\n".join(_line(name, found[name]) for name in found)
    return f"""# What was expected and what is reported

Written by `python tests/expectations/test_expectations.py --write` from `expected.toml`, whose first version in the
history was committed before any rule had seen the scripts. Lines are in brackets.

{len(found)} files, {sound} of them sound. Of {true + missed - missed_notes} warnings and errors that a reader calls
true {true} are reported, each at its line; {missed - missed_notes} are missed. {wrong} of {true + wrong} reported is
wrong. Of {notes + missed_notes} notes that were expected {notes} are there.

| file | expected | reported | missed | wrong |
|---|---|---|---|---|
{body}

## Missed

{_reasons(found, "missed")}

## Wrong

{_reasons(found, "wrong")}

## Expected at first, and corrected

{_reasons(found, "withdrawn")}
{_reasons(found, "expect")}
"""


def _line(name: str, found: set[Row]) -> str:
    expected = rows(name, "expect") | rows(name, "missed")
    missed = [(row["rule"], row.get("line", 0), row["level"]) for row in TABLE[name].get("missed", ())]
    cells = (expected, found, missed, found - rows(name, "expect"))
    return f"| `{name}` | {' | '.join(map(_cell, cells))} |"


def _cell(found: Iterable[Row]) -> str:
    return ", ".join(f"{rule} ({line})" if line else rule for rule, line, _ in sorted(found)) or "–"


def _reasons(names: Iterable[str], key: str) -> str:
    reasons = [(name, row) for name in names for row in TABLE[name].get(key, ()) if "why" in row]
    return "\n".join(f"- `{name}`, {row['rule']}: {row['why']}." for name, row in reasons) or "None."


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    (HERE / "RESULTS.md").write_text(results(linted()), encoding="utf-8")

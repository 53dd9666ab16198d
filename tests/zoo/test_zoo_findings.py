"""What the rules say of canonical networks that need no third-party library, and how FINDINGS.md is made."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import canonical
import entry as zoo
import families
import precision
import verdicts

NETWORKS = {entry.name: entry for entry in families.families() + canonical.canonical()}
#: network → rules that may warn of it, because what they say is true
TRUE: dict[str, set[str]] = {}


@pytest.mark.parametrize("entry", NETWORKS.values(), ids=NETWORKS.keys())
def test_nothing_is_wrong_with_canonical_networks(entry: zoo.Entry) -> None:
    """No rule raises, none calls anything an error, and none warns."""
    row = precision.examine("sample", entry)
    assert (row["stage"], row["cause"], row["raised"]) == ("ok", "", [])
    loud = [found for found in row["findings"] if found[1] != "info"]
    assert {found[0] for found in loud} == TRUE.get(entry.name, set()), loud
    assert not [found for found in loud if found[1] == "error"]


def row_of(name: str, *findings: tuple[str, str, list[str], str], raised: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "collection": "library", "name": name, "stage": "ok", "cause": "", "how": "meta", "ops": 10, "params": 5,
        "loss": "cross_entropy", "trace_seconds": 0.1, "rule_seconds": 0.02, "rule_wall_seconds": 0.02,
        "slowest": {"dead-branch": 0.01},
        "findings": [list(found) for found in findings], "raised": list(raised),
    }  # fmt: skip


ROWS = [
    row_of("one", ("dead-branch", "warning", ["a"], "`a` is read by nobody")),
    row_of("two", ("dead-branch", "warning", ["b"], "`b` is read by nobody"), ("small-batch", "info", [], "small")),
]
JUDGED = """
[[dead-branch]]
networks = ["library/o*"]
paths = "a"
verdict = "true"
why = "left over"

[[dead-branch]]
networks = ["library/three"]
verdict = "false"
why = "read by a hook"
"""


@pytest.fixture
def judged(tmp_path: Path) -> verdicts.Verdicts:
    file = tmp_path / "verdicts.toml"
    file.write_text(JUDGED)
    return verdicts.Verdicts.read(file)


def test_judgements_are_found_by_rule_network_and_path(judged: verdicts.Verdicts) -> None:
    words = [entry and entry.verdict for entry in map(judged.of, verdicts.findings(ROWS))]
    assert words == ["true", None, None]


def test_the_summary_names_what_is_not_judged_and_what_is_judged_for_nothing(judged: verdicts.Verdicts) -> None:
    text = verdicts.summary(ROWS, judged)
    assert "| warning | dead-branch | 2 | 2 (100.0%) | 1 | 0 | 0 | 1 |" in text
    assert "| info | small-batch | 1 | 1 (50.0%) | 0 | 0 | 0 | 1 |" in text
    assert "Not judged:\nwarning library/two: dead-branch at b: `b` is read by nobody" in text
    assert "Judgements on nothing found in these networks:\ndead-branch: library/three" in text
    assert "median 0.20" in text


def test_the_file_holds_every_judgement(judged: verdicts.Verdicts, tmp_path: Path) -> None:
    verdicts.write(tmp_path / "FINDINGS.md", ROWS, judged)
    text = (tmp_path / "FINDINGS.md").read_text()
    assert "| library/one | `a` | true | left over |" in text
    assert "* library/two: dead-branch at b: `b` is read by nobody" in text


def test_wrong_is_a_rule_that_raised_or_an_error() -> None:
    assert not any(map(verdicts.is_wrong, ROWS))
    assert verdicts.is_wrong(row_of("three", raised=("the rule dead-branch crashed",)))
    assert verdicts.is_wrong(row_of("four", ("shape-mismatch", "error", ["a"], "`a` does not fit")))


def test_a_verdict_is_one_of_three_words(tmp_path: Path) -> None:
    file = tmp_path / "verdicts.toml"
    file.write_text(JUDGED.replace('"false"', '"wrong"'))
    with pytest.raises(ValueError, match="'wrong' is no verdict"):
        verdicts.Verdicts.read(file)


def test_the_judgements_of_the_zoo_can_be_read() -> None:
    entries = verdicts.Verdicts.read(Path(__file__).parent / "verdicts.toml").entries
    assert entries
    assert all(entry.why and entry.networks for entry in entries)

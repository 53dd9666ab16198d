"""``nnlint new``, ``nnlint rules --tips``, and rules that belong to no package."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nnlint import testing
from nnlint.__main__ import main
from nnlint.config import find
from nnlint.config.load import load
from nnlint.registry import list_rules, list_tips, load_rules


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for cached in (find.closest, find.table, load):
        cached.cache_clear()
    return tmp_path


@pytest.mark.parametrize("option", [[], ["--recipe"]])
def test_a_new_rule_passes_its_own_examples(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "wide-linear-layer", "--in", "house rules", *option]) == 0
    assert 'local-rules = ["house rules"]' in capsys.readouterr().out
    cases = testing.cases("house rules")
    assert len(cases) == 2
    for case in cases:
        case.check()
    (rule,) = {case.rule.name: case.rule for case in cases}.values()
    assert testing.form_errors(rule) == []
    assert rule.name == "wide-linear-layer"


@pytest.mark.parametrize(
    ("name", "said"),
    [("Wide", "lower-case words with hyphens"), ("wide", "lower-case words"), ("small-batch", "there is a rule")],
)
def test_a_wrong_name(name: str, said: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", name]) == 2
    assert said in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_nothing_is_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "wide_layer.py").write_text("mine")
    assert main(["new", "wide-layer", "--in", "."]) == 2
    assert "this file exists already" in capsys.readouterr().err
    assert (folder / "wide_layer.py").read_text() == "mine"


def test_local_rules_are_explained_and_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["new", "wide-linear-layer"])
    (folder / "nnlint.toml").write_text('local-rules = ["lint_rules"]\n')
    capsys.readouterr()
    assert main(["rule", "wide-linear-layer"]) == 0
    assert "most = 4096" in capsys.readouterr().out
    assert main(["rules"]) == 0
    assert "wide-linear-layer" in capsys.readouterr().out


def test_every_tip_is_listed_with_its_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--tips"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for tip in list_tips():
        start = lines.index(f"  {tip.text}")
        assert lines[start + 1].startswith("      "), tip.key
    without = lines[lines.index("faults that no tip names") + 1 :]
    assert "      shape-mismatch" in without
    assert "      small-batch" not in without


def test_tips_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--tips", "--output-format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    by_key = {entry["key"]: entry for entry in document}
    assert "small-batch" in by_key["large-batches"]["rules"]
    assert {"key", "section", "tip", "rules"} == set(document[0])


PACK = '''"""A network is wider than its owners allow.

What to do: make it narrower.

Quiet when: it is narrow.
"""

from torch import nn

from nnlint.kinds import linear
from nnlint.rule import bad, good, graph_rule


@bad(input="4")
def wide() -> nn.Module:
    return nn.Linear(4, 100)


@good(input="4")
def narrow() -> nn.Module:
    return nn.Linear(4, 10)


@graph_rule(category="owners", level="error", since="3.0")
def check(graph):
    """Looks at every linear layer."""
    for layer in graph.find(linear):
        if layer.hyper.out_channels > 50:
            yield layer.finding(f"{layer} is too wide")
'''


def test_a_pack_of_somebody_else_is_found_by_its_entry_point(folder: Path) -> None:
    """As `pip install` would lay it out: a package, and metadata with an entry point of the group."""
    site = folder / "site"
    (site / "owners_rules").mkdir(parents=True)
    (site / "owners_rules" / "__init__.py").write_text("")
    (site / "owners_rules" / "too_wide.py").write_text(PACK)
    info = site / "owners-3.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: owners\nVersion: 3.0\n")
    (info / "entry_points.txt").write_text("[nnlint.rules]\nowners = owners_rules\n")
    (folder / "net.py").write_text("from torch import nn\n\nnet = nn.Linear(4, 100)\n")
    code = f"""
import sys
sys.path.insert(0, {str(site)!r})
from nnlint import testing
from nnlint.__main__ import main
for case in testing.cases("owners"):
    case.check()
sys.exit(main(["net.py", "--select", "owners", "--input", "4", "--output-format", "concise", "--quiet"]))
"""
    # the worker is a process of its own: it has to find the pack too
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False, cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "net.py:3:7: error too-wide `linear` is too wide\n"), done.stderr


def test_rules_here_are_all_loadable() -> None:
    assert [rule.name for rule in load_rules()] == [info.name for info in list_rules().rules]

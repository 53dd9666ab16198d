"""Every fix in every style: whole files mended as ``nnlint --select RULE --fix --unsafe-fixes`` does.

`styles/<rule>/<style>.py` is a file before, `<style>.diff` what its fixes change in it, line by line: all else stays as
it is, comments, commas and blanks too. The styles of a network are ``sequential``, ``attributes`` (modules made in
``__init__`` and called in ``forward``) and ``functional``; those of a recipe are ``module`` (top-level statements),
``function`` and ``class``. A style that is missing or not mended has its reason in `styles/unmended.toml`.

``NNLINT_UPDATE=1 pytest tests/fix/test_styles.py`` writes the differences anew; read them as the file's author would.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from nnlint import engine
from nnlint.fix import run
from nnlint.registry import load_rules
from nnlint.settings import Settings

STYLES = Path(__file__).parent / "styles"
FILES = sorted(STYLES.glob("*/*.py"))
REASONS: dict[str, dict[str, str]] = tomllib.loads((STYLES / "unmended.toml").read_text("utf-8"))
#: the rules that mend something, with what they check
FIXES = {rule.name: rule.check.on for rule in load_rules() if rule.fix is not None}
OF_NETWORKS = ("sequential", "attributes", "functional")
OF_RECIPES = ("module", "function", "class")


def mended(path: Path, rule: str, session: engine.Session) -> run.Result:
    """A file with the fixes of a rule."""
    settings = Settings(select=(rule,), proof=True)
    return run.fix([str(path)], settings, unsafe=True, session=session)


@pytest.mark.parametrize("file", FILES, ids=[f"{file.parent.name}-{file.stem}" for file in FILES])
def test_file(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, session: engine.Session) -> None:
    rule, style = file.parent.name, file.stem
    monkeypatch.chdir(tmp_path)
    copy = tmp_path / "script.py"
    copy.write_bytes(file.read_bytes())
    result = mended(copy, rule, session)
    assert result.report.failed == ()
    assert result.report.taken_back == ()
    assert run.write(result.changes) == []
    diff = run.diff(result.changes)
    expected = file.with_suffix(".diff")
    if os.environ.get("NNLINT_UPDATE") and diff:
        expected.write_text(diff, "utf-8")
    if style in REASONS.get(rule, {}):
        assert not expected.exists()
        assert (diff, result.report.fixed) == ("", ())
        assert [finding.rule for finding in result.report.findings] != [], "the rule does not find it"
        return
    assert diff == expected.read_text("utf-8")
    assert {finding.rule for finding in result.report.fixed} == {rule}
    assert result.report.findings == ()  # what was found is gone
    again = mended(copy, rule, session)
    assert (again.changes, again.report.fixed, again.report.taken_back) == ((), (), ())


@pytest.mark.parametrize("rule", FIXES)
def test_every_style_is_shown_or_has_its_reason(rule: str) -> None:
    reasons = REASONS.get(rule, {})
    for style in OF_RECIPES if FIXES[rule] == "recipe" else OF_NETWORKS:
        assert (STYLES / rule / f"{style}.diff").exists() or reasons.get(style), f"{style} style"
    assert not [style for style in reasons if (STYLES / rule / f"{style}.diff").exists()]


def test_nothing_is_left_over() -> None:
    assert {file.parent.name for file in FILES} | set(REASONS) <= set(FIXES)
    assert {file.with_suffix(".py") for file in STYLES.glob("*/*.diff")} <= set(FILES)

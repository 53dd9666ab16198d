"""What fixing left, and why."""

from __future__ import annotations

from dataclasses import replace

from nnlint.finding import Edit, Finding, Fix
from nnlint.fix.left import left
from nnlint.report.model import FileReport, Report, TakenBack
from nnlint.site import Site

SITE = Site("net.py", 3, 1, 3, 9)


def found(rule: str, fix: Fix | None = None, message: str = "something") -> Finding:
    return Finding(message, SITE, fix=fix, rule=rule, level="warning", category="loss", network="Net")


def mending(file: str = "net.py", *, safe: bool = True) -> Fix:
    return Fix((Edit(replace(SITE, file=file), "text"),), safe)


def report(*findings: Finding, back: tuple[TakenBack, ...] = ()) -> Report:
    return Report(files=(FileReport("net.py", findings=findings),), taken_back=back)


def has_fix(rule: str) -> bool:
    return rule.startswith("fixable")


def test_every_reason_has_its_words() -> None:
    back = found("fixable-back", mending())
    made = report(
        found("hopeless"),
        found("fixable-elsewhere"),
        back,
        found("fixable-unsafe", mending(safe=False)),
        found("fixable-imported", mending("other.py")),
        found("fixable-late", mending()),
        back=(TakenBack(back, "it brings about some-rule (so it says)."),),
    )
    assert left(made, has_fix) == (
        "hopeless (no fix)",
        "fixable-elsewhere (its fix does not fit here: nnlint rule fixable-elsewhere says when it does)",
        "fixable-back (taken back: it brings about some-rule (so it says))",
        "fixable-unsafe (its fix is unsafe)",
        "fixable-imported (its fix is in other.py)",
        "fixable-late (its fix was not applied)",
    )
    assert "fixable-unsafe (its fix was not applied)" in left(made, has_fix, unsafe=True)


def test_findings_are_counted_by_rule() -> None:
    first, second = found("fixable", mending(), "2 layers"), found("fixable", None, "others")
    moved = replace(first, message="3 layers", site=replace(SITE, line=9))  # other fixes moved it
    made = report(moved, second, second, back=(TakenBack(first, "its outputs differ"),))
    (said,) = left(made, has_fix)
    assert said.startswith("3 × fixable (taken back: its outputs differ; its fix does not fit here: ")


def test_some_rules_and_levels() -> None:
    made = report(found("one"), replace(found("two"), level="info"), found("three"))
    assert left(made, has_fix, only=["one", "two"]) == ("one (no fix)", "two (no fix)")
    assert left(made, has_fix, least="warning") == ("one (no fix)", "three (no fix)")
    assert left(report(), has_fix) == ()

"""What fixing left: the findings that are still there, and why each was not mended."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence

from nnlint.check import severity
from nnlint.finding import Finding, Level
from nnlint.fix.plan import key_of
from nnlint.report.model import Report

#: why a finding was not mended, beside the reasons that fixes are taken back for
NO_FIX = "no fix"
NOT_HERE = "its fix does not fit here: nnlint rule {} says when it does"
UNSAFE = "its fix is unsafe"


def left(
    report: Report,
    has_fix: Callable[[str], bool],
    *,
    only: Collection[str] | None = None,
    least: Level = "info",
    unsafe: bool = False,
) -> tuple[str, ...]:
    """The findings that are left, by rule and with the reasons: ``conv-kernel-not-3x3 (no fix)``.

    Args:
        report: on the edited files, see `nnlint.fix.run.Result`.
        has_fix: whether the rule of this name has a fix for some of its findings.
        only: the findings of these rules alone.
        least: none below this level.
        unsafe: whether unsafe fixes were applied too.
    """
    rules: dict[str, list[str]] = {}
    for finding in report.findings:
        if (only is None or finding.rule in only) and severity(finding.level) <= severity(least):
            rules.setdefault(finding.rule, []).append(_why(finding, report, has_fix, unsafe=unsafe))
    return tuple(f"{_times(rule, reasons)} ({'; '.join(dict.fromkeys(reasons))})" for rule, reasons in rules.items())


def _times(rule: str, reasons: Sequence[str]) -> str:
    return rule if len(reasons) == 1 else f"{len(reasons)} × {rule}"


def _why(finding: Finding, report: Report, has_fix: Callable[[str], bool], *, unsafe: bool) -> str:
    back = [one for one in report.taken_back if key_of(one.finding) == key_of(finding)]
    if back:
        return f"taken back: {back[-1].reason.rstrip('.')}"
    if finding.fix is None:
        return NOT_HERE.format(finding.rule) if has_fix(finding.rule) else NO_FIX
    if not finding.fix.safe and not unsafe:
        return UNSAFE
    targets = {os.path.realpath(file.path) for file in report.files}
    elsewhere = [edit.site.file for edit in finding.fix.edits if os.path.realpath(edit.site.file) not in targets]
    return f"its fix is in {elsewhere[0]}" if elsewhere else "its fix was not applied"

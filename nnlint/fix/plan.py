"""Which fixes can be applied together."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nnlint.edits import OverlappingEditsError, applied, is_installed
from nnlint.finding import Edit, Finding

_Span = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Planned:
    """A finding with its fix, the edits sorted by the real paths of the files they are in."""

    finding: Finding
    safe: bool
    edits: Mapping[str, tuple[Edit, ...]]

    @property
    def key(self) -> tuple[str, ...]:
        """What it is known by in later passes."""
        return key_of(self.finding)


def key_of(finding: Finding) -> tuple[str, ...]:
    """What a finding is known by when other fixes have moved lines, and changed numbers in its message."""
    return (finding.rule, finding.network, *finding.paths[:1], re.sub(r"\d[\d,.]*", "#", finding.message))


def planned(findings: Iterable[Finding], files: Iterable[str]) -> list[Planned]:
    """The fixes of findings that change nothing but these files (real paths), in the order of the findings."""
    allowed = {file for file in files if not is_installed(file)}
    found = []
    for finding in findings:
        if finding.fix is None or not finding.fix.edits:
            continue
        edits: dict[str, list[Edit]] = {}
        for edit in finding.fix.edits:
            edits.setdefault(os.path.realpath(edit.site.file), []).append(edit)
        if allowed.issuperset(edits):
            found.append(Planned(finding, finding.fix.safe, {path: tuple(own) for path, own in edits.items()}))
    return found


def compatible(fixes: Iterable[Planned]) -> list[Planned]:
    """The fixes of which none touches what one before it changes: the others wait for the next pass."""
    taken: dict[str, list[_Span]] = {}
    chosen = []
    for fix in fixes:
        spans = {path: [_span(edit) for edit in edits] for path, edits in fix.edits.items()}
        if any(_touch(one, other) for path, own in spans.items() for one in own for other in taken.get(path, ())):
            continue
        for path, own in spans.items():
            taken.setdefault(path, []).extend(own)
        chosen.append(fix)
    return chosen


def _span(edit: Edit) -> _Span:
    site = edit.site
    return (site.line, site.column), (site.end_line, site.end_column)


def _touch(one: _Span, other: _Span) -> bool:
    """Whether two spans share characters, or insert at one place."""
    if one[0] == one[1] and other[0] == other[1]:
        return one == other
    return one[0] < other[1] and other[0] < one[1]


def edited(texts: Mapping[str, str], fixes: Iterable[Planned]) -> dict[str, str] | None:
    """The texts of files with fixes applied; None if their edits do not fit the texts."""
    edits: dict[str, list[Edit]] = {}
    for fix in fixes:
        for path, own in fix.edits.items():
            edits.setdefault(path, []).extend(own)
    try:
        return {path: applied(text, edits.get(path, ())) for path, text in texts.items()}
    except OverlappingEditsError:
        return None

"""Edits applied to a text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nnlint.finding import Edit

_LINE_END = re.compile(r"\r\n|\r|\n")


class OverlappingEditsError(ValueError):
    """Two edits want to change the same characters, or one lies outside the text."""


def applied(text: str, edits: Iterable[Edit]) -> str:
    """A text with edits made. Several that insert at one place do so in the order given.

    New lines end as the text's own lines do, whichever way that is (as most of them, if they differ).

    Raises:
        OverlappingEditsError: if two edits change the same characters, or one lies outside the text.
    """
    ends = list(_LINE_END.finditer(text))
    starts = [0, *(end.end() for end in ends)]
    newline = _usual([end.group() for end in ends])
    spans = sorted((*_span(edit, starts, text), index, edit.text) for index, edit in enumerate(edits))
    parts: list[str] = []
    at = 0
    for start, end, _, new in spans:
        if start < at:
            raise OverlappingEditsError(f"two edits change the characters before offset {at}")
        parts += [text[at:start], new.replace("\n", newline)]
        at = end
    return "".join([*parts, text[at:]])


def _usual(ends: list[str]) -> str:
    return max(dict.fromkeys(ends), key=ends.count, default="\n")


def _span(edit: Edit, starts: list[int], text: str) -> tuple[int, int]:
    site = edit.site
    start = _offset(site.line, site.column, starts, text)
    end = _offset(site.end_line, site.end_column, starts, text)
    if start is None or end is None or end < start:
        raise OverlappingEditsError(f"{site} is outside the text")
    return start, end


def _offset(line: int, column: int, starts: list[int], text: str) -> int | None:
    """The offset of a place; the end of a text without a last newline is the beginning of another line too."""
    if line == len(starts) + 1 and column == 1 and starts[-1] < len(text):
        return len(text)
    if not 0 < line <= len(starts) or column < 1:
        return None
    offset = starts[line - 1] + column - 1
    return offset if offset <= (starts[line] if line < len(starts) else len(text)) else None

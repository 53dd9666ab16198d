"""Edits applied to a text."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from nnlint.finding import Edit


class OverlappingEditsError(ValueError):
    """Two edits want to change the same characters, or one lies outside the text."""


def applied(text: str, edits: Iterable[Edit]) -> str:
    """A text with edits made; lines end with ``\\n``. Several that insert at one place do so in the order given.

    Raises:
        OverlappingEditsError: if two edits change the same characters, or one lies outside the text.
    """
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    spans = sorted((*_span(edit, starts, text), index, edit.text) for index, edit in enumerate(edits))
    parts: list[str] = []
    at = 0
    for start, end, _, new in spans:
        if start < at:
            raise OverlappingEditsError(f"two edits change the characters before offset {at}")
        parts += [text[at:start], new]
        at = end
    return "".join([*parts, text[at:]])


def _span(edit: Edit, starts: list[int], text: str) -> tuple[int, int]:
    site = edit.site
    if not 0 < site.line <= site.end_line < len(starts):
        raise OverlappingEditsError(f"{site} is outside the text")
    start, end = starts[site.line - 1] + site.column - 1, starts[site.end_line - 1] + site.end_column - 1
    if not start <= end <= len(text) + 1:
        raise OverlappingEditsError(f"{site} is outside the text")
    return start, min(end, len(text))

"""An excerpt of the source: the lines of a span, with carets exactly under it whatever the width of the characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from nnlint.report.style import Style
from nnlint.site import Site

TAB = 4
#: longest span shown whole; of a longer one the first lines and the last
_SHOWN = 6
#: a line wider than this is cut to a window around its carets
_WIDEST = 140
_MARGIN = 30


@lru_cache(maxsize=64)
def lines_of(file: str) -> tuple[str, ...]:
    """The lines of a source file, empty if it cannot be read (any more)."""
    import tokenize

    try:
        with tokenize.open(file) as stream:
            return tuple(stream.read().splitlines())
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ()


def excerpt(site: Site, style: Style) -> list[str]:
    """The lines to print for a site, margin and carets included; nothing where the file cannot be read."""
    lines = lines_of(site.file)
    numbers = [number for number in range(site.line, site.end_line + 1) if number <= len(lines)]
    if not numbers:
        return []
    width = len(str(numbers[-1]))
    bar = f"{' ' * width} {style.dim('|')}"
    out = [bar]
    for number in _chosen(numbers):
        if number is None:
            out.append(f"{style.dim('...'.rjust(width))}")
            continue
        text, carets = _marked(lines[number - 1], *_columns(site, number, lines[number - 1]))
        out.append(f"{style.dim(str(number).rjust(width))} {style.dim('|')} {text}".rstrip())
        if carets:
            out.append(f"{bar} {carets}" if not style.color else f"{bar} {style.accent(carets)}")
    return out


def _chosen(numbers: list[int]) -> Iterator[int | None]:
    """The line numbers to show; None stands for the lines left out."""
    if len(numbers) <= _SHOWN:
        yield from numbers
        return
    yield from numbers[: _SHOWN - 2]
    yield None
    yield numbers[-1]


def _columns(site: Site, number: int, line: str) -> tuple[int, int]:
    """The 0-based characters of ``line`` that the span covers: ``[start, end)``, without indentation."""
    indent = len(line) - len(line.lstrip())
    start = site.column - 1 if number == site.line else indent
    end = site.end_column - 1 if number == site.end_line else len(line.rstrip())
    return max(0, min(start, len(line))), max(0, min(end, len(line)))


def _marked(line: str, start: int, end: int) -> tuple[str, str]:
    """The line as printed and the carets under ``line[start:end]``."""
    line, start, end = _window(line, start, end)
    before, within = _expand(line[:start], 0)
    inside, after = _expand(line[start:end], within)
    rest, _ = _expand(line[end:], after)
    return before + inside + rest, " " * within + "^" * (after - within)


def _window(line: str, start: int, end: int) -> tuple[str, int, int]:
    if len(line) <= _WIDEST:
        return line, start, end
    low = max(0, min(start - _MARGIN, len(line) - _WIDEST))
    high = min(len(line), low + _WIDEST)
    head, tail = "…" if low else "", "…" if high < len(line) else ""
    shift = len(head) - low
    return f"{head}{line[low:high]}{tail}", start + shift, min(end, high) + shift


def _expand(text: str, column: int) -> tuple[str, int]:
    """The text with its tabs as spaces, and the terminal column after it."""
    out = []
    for character in text:
        width = TAB - column % TAB if character == "\t" else _width(character)
        out.append(
            " " * width if character == "\t" else character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
        )
        column += width
    return "".join(out), column


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1

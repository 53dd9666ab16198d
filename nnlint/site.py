"""Where something stands in the source: a file and the exact span of one expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import ast

T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """The span of an expression.

    Lines are 1-based. Columns are 1-based too and count *characters* (Python's own positions are 0-based UTF-8
    byte offsets: `from_bytes` converts); ``end_column`` is the first column after the span.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def contains(self, other: Site) -> bool:
        """Whether ``other`` lies within this span (the same span counts)."""
        return (
            self.file == other.file
            and (self.line, self.column) <= (other.line, other.column)
            and (other.end_line, other.end_column) <= (self.end_line, self.end_column)
        )


def from_bytes(file: str, lines: list[str], line: int, col: int, end_line: int, end_col: int) -> Site:
    """The site of a span given in Python's terms: 1-based lines, 0-based UTF-8 byte columns.

    Args:
        file: the path to show.
        lines: the source's lines (for the byte-to-character conversion); a line outside them is taken as ASCII.
    """
    return Site(file, line, _character(lines, line, col) + 1, end_line, _character(lines, end_line, end_col) + 1)


def of_node(file: str, lines: list[str], node: ast.AST) -> Site:
    """The site of an `ast` node that has a position.

    Raises:
        AttributeError: if the node has none (an operator or a context, say).
    """
    return from_bytes(
        file,
        lines,
        node.lineno,  # type: ignore[attr-defined]
        node.col_offset,  # type: ignore[attr-defined]
        node.end_lineno,  # type: ignore[attr-defined]
        node.end_col_offset,  # type: ignore[attr-defined]
    )


def _character(lines: list[str], line: int, byte: int) -> int:
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    if text.isascii():
        return byte
    return len(text.encode("utf-8", "surrogatepass")[:byte].decode("utf-8", "ignore"))


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """A value the source states, and the expression that states it. What is not stated has no fact: never a guess."""

    value: T
    site: Site

"""Whole statements: new ones before and after, and taking one out."""

from __future__ import annotations

import ast

from nnlint.edits.source import Source, source_of
from nnlint.finding import Edit
from nnlint.site import Site


def before_statement(site: Site, text: str, *, outside: bool = False) -> Edit | None:
    """A new line (or several) before the statement that holds a site, indented as it is.

    Args:
        outside: before a ``with`` whose block begins with the statement, too.
    """
    found = _on_its_line(site)
    if found is None:
        return None
    source, statement = found
    around = source.parent(statement)
    if (
        outside
        and isinstance(around, ast.With)
        and around.body[0] is statement
        and source.starts_line(source.start(around))
    ):
        statement = around
    at = source.line_start(source.start(statement))
    return source.edit(at, at, f"{_indented(text, source.indent(at))}\n")


def after_statement(site: Site, text: str) -> Edit | None:
    """A new line (or several) after the statement that holds a site, indented as it is.

    If the site is in the first line of a compound statement, that is after the whole of it: see `begin_block`.
    """
    found = _on_its_line(site)
    if found is None:
        return None
    source, statement = found
    at = source.line_end(source.end(statement))
    return source.edit(at, at, f"\n{_indented(text, source.indent(source.start(statement)))}")


def begin_block(site: Site, text: str) -> Edit | None:
    """New lines at the beginning of the block that the compound statement (loop, function …) holding a site opens."""
    source = source_of(site)
    statement = source.statement(site) if source else None
    body = getattr(statement, "body", None)
    if source is None or not isinstance(body, list) or not body:
        return None
    first = source.start(body[0])
    if not source.starts_line(first):
        return None
    at = source.line_start(first)
    return source.edit(at, at, f"{_indented(text, source.indent(first))}\n")


def delete(source: Source, statement: ast.stmt) -> Edit | None:
    """Take a statement out, with its comment and its lines; one that is alone in its block becomes ``pass``."""
    block = source.block_of(statement)
    if block is None:
        return None
    start, end = source.start(statement), source.end(statement)
    if len(block) == 1:
        return source.edit(start, end, "pass")
    line_end = source.line_end(end)
    rest = source.text[end:line_end].strip()
    if source.starts_line(start) and (not rest or rest.startswith("#")):
        first, last = _with_its_comment(source, statement, source.line_start(start), line_end + 1)
        return source.edit(first, min(last, len(source.text)), "")
    index = block.index(statement)
    if rest.startswith(";") and index + 1 < len(block):  # the next one stands in the same line
        return source.edit(start, source.start(block[index + 1]), "")
    if index > 0 and ";" in source.text[source.end(block[index - 1]) : start]:
        return source.edit(source.end(block[index - 1]), end, "")
    return None


def _with_its_comment(source: Source, statement: ast.stmt, start: int, end: int) -> tuple[int, int]:
    """What goes with the lines of a statement that ends a paragraph: the comment above it, and one of two blank lines.

    A comment that heads more than this statement stays.
    """
    following = source.text[end : source.line_end(end)] if end < len(source.text) else ""
    if following.strip() and len(source.indent(end)) >= len(source.indent(start)):
        return start, end
    above = start
    while above and source.text[source.line_start(above - 1) : above].strip().startswith("#"):
        above = source.line_start(above - 1)
    block = source.block_of(statement)
    if block is None or (above != start and block[0] is statement):
        return start, end
    if above and not following.strip():
        before = source.line_start(above - 1)
        if not source.text[before:above].strip():  # a blank line is left on either side
            return before, end
    return above, end


def _on_its_line(site: Site) -> tuple[Source, ast.stmt] | None:
    """The statement that holds a site, or the first around it that begins its line."""
    source = source_of(site)
    statement: ast.AST | None = source.statement(site) if source else None
    while source is not None and isinstance(statement, ast.stmt):
        if source.starts_line(source.start(statement)):
            return source, statement
        statement = _before_in_line(source, statement) or source.parent(statement)
    return None


def _before_in_line(source: Source, statement: ast.stmt) -> ast.stmt | None:
    """The statement that a semicolon parts from this one."""
    block = source.block_of(statement) or []
    index = block.index(statement) if statement in block else 0
    return block[index - 1] if index else None


def _indented(text: str, indent: str) -> str:
    return "\n".join(f"{indent}{line}" if line.strip() else line for line in text.split("\n"))

"""`Source`: the text of a file with its tree, and the way between sites, syntax nodes and character offsets."""

from __future__ import annotations

import ast
import linecache
import re
import sysconfig
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate
from pathlib import PurePath
from typing import TYPE_CHECKING

from nnlint.finding import Edit
from nnlint.site import Site, of_node

if TYPE_CHECKING:
    from nnlint.graph import Op

#: what stands between the parts of an expression and means nothing: blanks, comments, line joints
_BLANK = re.compile(r"(?:\s|\\\n|#[^\n]*)*")
_STANDARD = PurePath(sysconfig.get_paths()["stdlib"])

_sources: dict[str, Source] = {}


class Source:
    """A file's text, as `linecache` has it: the very text that the running code was compiled from.

    Offsets count characters from the beginning of the file; every line ends with one of them.
    """

    def __init__(self, file: str, lines: list[str]) -> None:
        self.file = file
        self.lines = lines
        self.text = "".join(lines)
        self._starts = [0, *accumulate(map(len, lines))]

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree.

        Raises:
            SyntaxError: if the text is not Python.
        """
        return ast.parse(self.text)

    @cached_property
    def _parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def _by_end(self) -> dict[tuple[int, int], list[ast.expr | ast.stmt]]:
        """Nodes by the line and the byte column they end at, outer ones first."""
        found: dict[tuple[int, int], list[ast.expr | ast.stmt]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.expr | ast.stmt):
                found.setdefault((node.end_lineno or 0, node.end_col_offset or 0), []).append(node)
        return found

    # ---------------------------------------------------------------------------------------- offsets and sites

    def offset(self, line: int, column: int) -> int:
        """The offset of a line and column, both from 1."""
        return self._starts[line - 1] + column - 1

    def start(self, node: ast.AST) -> int:
        """The offset a node begins at; a function's or class's decorators belong to it."""
        first = min([node, *getattr(node, "decorator_list", [])], key=lambda part: part.lineno)
        site = of_node(self.file, self.lines, first)
        at = self.offset(site.line, site.column)
        return at if first is node else self.text.rindex("@", 0, at)

    def end(self, node: ast.AST) -> int:
        """The offset after a node."""
        site = of_node(self.file, self.lines, node)
        return self.offset(site.end_line, site.end_column)

    def text_of(self, node: ast.AST) -> str:
        """The text of a node."""
        return self.text[self.start(node) : self.end(node)]

    def edit(self, start: int, end: int, text: str) -> Edit:
        """The edit that replaces what stands between two offsets."""
        return Edit(Site(self.file, *self._place(start), *self._place(end)), text)

    def _place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line_start(self, offset: int) -> int:
        """The offset of the beginning of a line."""
        return self.text.rfind("\n", 0, offset) + 1

    def line_end(self, offset: int) -> int:
        """The offset of the end of a line, before its newline."""
        found = self.text.find("\n", offset)
        return len(self.text) if found < 0 else found

    def indent(self, offset: int) -> str:
        """The blanks a line begins with."""
        line = self.text[self.line_start(offset) : self.line_end(offset)]
        return line[: len(line) - len(line.lstrip(" \t\f"))]

    def starts_line(self, offset: int) -> bool:
        """Whether only blanks stand before it in its line."""
        return not self.text[self.line_start(offset) : offset].strip()

    def skip(self, offset: int) -> int:
        """The offset of the next thing that means something: past blanks and comments."""
        match = _BLANK.match(self.text, offset)
        return match.end() if match else offset

    # ------------------------------------------------------------------------------------------------------ nodes

    def node(self, site: Site) -> ast.expr | None:
        """The expression that takes up exactly a site."""
        return next((n for n in self._ending(site) if isinstance(n, ast.expr)), None)

    def statement(self, site: Site) -> ast.stmt | None:
        """The innermost statement that holds a site, or begins with it."""
        node: ast.AST | None = self.node(site)
        if node is None:
            found: ast.stmt | None = None
            for candidate in ast.walk(self.tree):  # inner statements come later
                if isinstance(candidate, ast.stmt) and of_node(self.file, self.lines, candidate).contains(site):
                    found = candidate
            return found
        return self.statement_of(node)

    def _ending(self, site: Site) -> Iterator[ast.expr | ast.stmt]:
        if not 0 < site.end_line <= len(self.lines):
            return
        column = len(self.lines[site.end_line - 1][: site.end_column - 1].encode("utf-8", "surrogatepass"))
        for node in self._by_end.get((site.end_line, column), ()):
            span = of_node(self.file, self.lines, node)
            if (span.line, span.column) == (site.line, site.column) or self._by_method(node, site):
                yield node

    def _by_method(self, node: ast.expr | ast.stmt, site: Site) -> bool:
        """Whether a site is that of a method call over several lines: Python has it begin at the method's name."""
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return False
        if node.func.lineno == node.func.end_lineno:
            return False
        span = of_node(self.file, self.lines, node.func)
        return (span.end_line, span.end_column - len(node.func.attr)) == (site.line, site.column)

    def parent(self, node: ast.AST) -> ast.AST | None:
        """The node around a node."""
        return self._parents.get(node)

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around a node, innermost first."""
        while (parent := self._parents.get(node)) is not None:
            yield parent
            node = parent

    def statement_of(self, node: ast.AST) -> ast.stmt | None:
        """The innermost statement a node belongs to."""
        if isinstance(node, ast.stmt):
            return node
        return next((above for above in self.above(node) if isinstance(above, ast.stmt)), None)

    def function_of(self, node: ast.AST) -> ast.AST | None:
        """The innermost function around a node; None at the top level."""
        kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
        return next((above for above in self.above(node) if isinstance(above, kinds)), None)

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        """The innermost class around a node."""
        return next((above for above in self.above(node) if isinstance(above, ast.ClassDef)), None)

    def block_of(self, statement: ast.stmt) -> list[ast.stmt] | None:
        """The list of statements a statement stands in."""
        parent = self.parent(statement)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(parent, name, None)
            if isinstance(block, list) and statement in block:
                return block
        return None


def source_of(where: Site | None) -> Source | None:
    """The source a site stands in; None if there is none, or it is not the user's to edit (an installed package's)."""
    if where is None or is_installed(where.file):
        return None
    lines = linecache.getlines(where.file)
    if not lines:
        return None
    held = _sources.get(where.file)
    if held is None or held.lines is not lines:
        held = _sources[where.file] = Source(where.file, lines)
        try:
            ast.parse(held.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    return held


def is_installed(file: str) -> bool:
    """Whether a file belongs to an installed package, or to Python itself: not the user's to edit."""
    path = PurePath(file)
    return "site-packages" in path.parts or "dist-packages" in path.parts or path.is_relative_to(_STANDARD)


def site_of(target: Op | Site) -> Site | None:
    """The site of an op or of a site itself."""
    return target if isinstance(target, Site) else target.site


def call_at(target: Op | Site | None) -> tuple[Source, ast.Call] | None:
    """The source and the call of a target; None if it is no call, not known, or not to be edited."""
    found = located(target)
    return (found[0], found[1]) if found is not None and isinstance(found[1], ast.Call) else None


def located(target: Op | Site | None) -> tuple[Source, ast.expr] | None:
    """The source and the expression of a target; None if it is not known or not to be edited."""
    site = None if target is None else site_of(target)
    source = source_of(site)
    if source is None or site is None:
        return None
    node = source.node(site)
    return None if node is None else (source, node)

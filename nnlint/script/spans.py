"""Sites of syntax nodes in one file."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from nnlint.script.source import split_lines
from nnlint.site import Fact, Site, of_node

_KEYWORDS = {ast.ClassDef: "class", ast.FunctionDef: "def", ast.AsyncFunctionDef: "async def"}


class Spans:
    """Makes the sites of one file's nodes."""

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.lines = split_lines(source)

    def of(self, node: ast.AST) -> Site:
        """The span of an expression, statement, parameter or keyword."""
        return of_node(self.path, self.lines, node)

    def header(self, node: ast.stmt) -> Site:
        """The span of a compound statement's header: ``for x in loader``, ``class Net``; never its body."""
        whole = self.of(node)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            line = self.lines[whole.line - 1]
            start = line.find(
                node.name, whole.column - 1 + len(_KEYWORDS[type(node)])
            )  # -1: on a continued line, or spelt otherwise
            return replace(whole, end_line=whole.line, end_column=start + len(node.name) + 1) if start >= 0 else whole
        if isinstance(node, ast.For | ast.AsyncFor):
            end = self.of(node.iter)
        elif isinstance(node, ast.While):
            end = self.of(node.test)
        else:
            return whole
        return Site(whole.file, whole.line, whole.column, end.end_line, end.end_column)

    def fact(self, value: Any, node: ast.AST) -> Fact[Any]:
        """A value and the expression that states it."""
        return Fact(value, self.of(node))

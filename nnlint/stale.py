"""Variables that still name a tensor after an operation in place has given it other values.

In the recorded graph a tensor that is overwritten is read from the op that overwrote it, by whatever name. Only the
source tells ``x = relu_(x)``, after which all mean the new values, from ``y = relu_(x)`` with a later reading of ``x``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from nnlint.edits.source import Source, source_of
from nnlint.graph import Op
from nnlint.site import Site, of_node

#: expressions that are an operation when a tensor stands in them
_OPERATIONS = ast.Call | ast.BinOp | ast.UnaryOp | ast.AugAssign | ast.Subscript | ast.Compare
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
_SIMPLE = ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr | ast.Return
_Position = tuple[int, int]


def names_read_later(op: Op) -> tuple[tuple[str, Site], ...]:
    """The variables that held what an op in place overwrote and are read after it, with the expressions that read them.

    Variables that were given the result are left out: they are meant to hold the new values. Nothing is found where the
    op's argument is not a variable, or the source is not at hand. Ways that the pass did not take are not told from
    those that it took: the graph has to say whether an expression did read the tensor.
    """
    site = op.call_site or op.site
    source = source_of(site)
    if source is None or site is None:
        return ()
    return _read_later(source, site, op.module is None and op.spelling.startswith("Tensor."))


@lru_cache(maxsize=1024)
def _read_later(source: Source, site: Site, by_method: bool) -> tuple[tuple[str, Site], ...]:
    node = source.node(site) or _augmented(source).get((site.line, site.column))
    function = source.function_of(node) if node is not None else None
    if not isinstance(node, ast.Call | ast.AugAssign) or not isinstance(function, _FUNCTIONS):
        return ()
    given, statement = _given(node, by_method), source.statement_of(node)
    if given is None or statement is None:
        return ()
    body = _Body(source, function)
    holding = body.aliases(given, statement)
    if not _discards(source, statement, node):  # else it is meant to be overwritten
        holding.add(given)
    uses = [
        use
        for name in sorted(holding)
        for use in body.read_beside(name, node, statement) + body.read_after(name, statement)
    ]
    return tuple((use.id, place) for use in uses if (place := body.operation(use)) is not None)


def _discards(source: Source, statement: ast.stmt, node: ast.AST) -> bool:
    """Whether nothing takes the result, nor that of the methods called on it: ``x.mul_(2).add_(1)``."""
    while isinstance(outer := source.parent(node), ast.Attribute) and isinstance(
        call := source.parent(outer), ast.Call
    ):
        node = call
    return isinstance(statement, ast.Expr) and statement.value is node


def _given(node: ast.Call | ast.AugAssign, by_method: bool) -> str | None:
    """The variable whose tensor is overwritten: the argument, or what the method is called on."""
    if isinstance(node, ast.AugAssign):
        value: ast.expr | None = node.target
    elif by_method and isinstance(node.func, ast.Attribute):
        value = node.func.value
    else:
        value = next(iter([*node.args, *(word.value for word in node.keywords if word.arg in ("input", "x"))]), None)
    return value.id if isinstance(value, ast.Name) else None


@dataclass(frozen=True, slots=True)
class _Body:
    """The statements of one function, and its variables in the order of the text."""

    source: Source
    function: ast.AST

    def uses(self, *names: str) -> list[ast.Name]:
        """The occurrences of variables, inner functions left out."""
        return [node for node in _own_names(self.function) if node.id in names]

    def aliases(self, name: str, statement: ast.stmt) -> set[str]:
        """The other variables that were set to this one before, or it to them, neither being set again since."""
        found = set()
        for node in _copies(self.function):
            if _end(node) <= _start(statement):
                for target in node.targets:
                    pair = {getattr(node.value, "id", ""), target.id} if isinstance(target, ast.Name) else set()
                    later = [use for use in self.uses(*pair) if _end(node) <= _start(use) < _start(statement)]
                    if name in pair and all(isinstance(use.ctx, ast.Load) for use in later):
                        found |= pair - {name}
        return found

    def read_beside(self, name: str, node: ast.AST, statement: ast.stmt) -> list[ast.Name]:
        """The readings of a variable in the op's own statement, outside of the op."""
        if not isinstance(statement, _SIMPLE):
            return []
        own = {id(inner) for inner in ast.walk(node)}
        return [use for use in self._in(statement, name) if id(use) not in own and isinstance(use.ctx, ast.Load)]

    def read_after(self, name: str, statement: ast.stmt) -> list[ast.Name]:
        """The readings of a variable after a statement, until it is set again."""
        return [] if name in _set_by(statement) else self._read_from(name, statement, frozenset({name}))

    def _read_from(self, name: str, statement: ast.stmt, seen: frozenset[str]) -> list[ast.Name]:
        """The same, and the readings of the variables it is handed on to."""
        found: list[ast.Name] = []
        around = {id(above) for above in self.source.above(statement)}
        unsure = False  # whether it is set again on some way
        for use in self.uses(name):
            at = self.source.statement_of(use)
            if at is None or _start(at) < _end(statement):
                continue
            if isinstance(use.ctx, ast.Load) or isinstance(at, ast.AugAssign):
                if not (unsure and self._in(at, *_set_by(statement))):
                    found.append(use)
                    for target in _handed_on(at, use) - seen:
                        found += self._read_from(target, at, seen | {target})
            elif id(self.source.parent(at)) in around:
                return found + [other for other in self._in(at, name) if isinstance(other.ctx, ast.Load)]
            else:
                unsure = True
        return found

    def _in(self, statement: ast.stmt, *names: str) -> list[ast.Name]:
        if not isinstance(statement, _SIMPLE):
            return []
        return [node for node in ast.walk(statement) if isinstance(node, ast.Name) and node.id in names]

    def operation(self, use: ast.Name) -> Site | None:
        """The innermost expression around a reading that may be an operation; None if only a property is read."""
        parent = self.source.parent(use)
        if isinstance(parent, ast.Attribute):
            outer = self.source.parent(parent)
            if not (isinstance(outer, ast.Call) and outer.func is parent):
                return None
        if isinstance(parent, ast.AugAssign):
            return of_node(self.source.file, self.source.lines, parent)
        above = self.source.above(use)
        node = next((node for node in above if isinstance(node, _OPERATIONS | ast.stmt)), None)
        return of_node(self.source.file, self.source.lines, node) if isinstance(node, _OPERATIONS) else None


@lru_cache(maxsize=64)
def _augmented(source: Source) -> dict[_Position, ast.AugAssign]:
    """The statements like ``x += y`` of a file, by the line and column they begin at."""
    found = (node for node in ast.walk(source.tree) if isinstance(node, ast.AugAssign))
    sites = ((of_node(source.file, source.lines, node), node) for node in found)
    return {(site.line, site.column): node for site, node in sites}


@lru_cache(maxsize=256)
def _own_names(function: ast.AST) -> tuple[ast.Name, ...]:
    """The occurrences of variables in a function, in the order of the text, those in inner functions left out."""
    return tuple(sorted((node for node in _own(function) if isinstance(node, ast.Name)), key=_start))


@lru_cache(maxsize=256)
def _copies(function: ast.AST) -> tuple[ast.Assign, ...]:
    """The statements of a function that simply set variables to another one."""
    assigned = (node for node in _own(function) if isinstance(node, ast.Assign))
    return tuple(node for node in assigned if isinstance(node.value, ast.Name))


def _own(function: ast.AST) -> Iterator[ast.AST]:
    waiting = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _FUNCTIONS | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def _set_by(statement: ast.stmt) -> set[str]:
    """The variables that a statement sets."""
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
        targets = [statement.target]
    else:
        return set()
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


def _handed_on(statement: ast.stmt, use: ast.Name) -> set[str]:
    """The variables that are simply set to this one, or on a condition: ``skip = x``, ``skip = f(x) if c else x``."""
    if not isinstance(statement, ast.Assign):
        return set()
    value = statement.value
    ways = (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,)
    if not any(way is use for way in ways):
        return set()
    return {target.id for target in statement.targets if isinstance(target, ast.Name)}


def _start(node: ast.AST) -> _Position:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def _end(node: ast.AST) -> _Position:
    return getattr(node, "end_lineno", 0), getattr(node, "end_col_offset", 0)

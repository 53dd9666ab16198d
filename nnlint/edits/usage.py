"""What becomes of the value of an expression, as the source tells it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal

from nnlint.edits.source import Source, source_of
from nnlint.site import Site


def lost(site: Site | None) -> Literal["discarded", "overwritten", "unread"] | None:
    """How the value of an expression gets lost, if it does for certain.

    ``discarded``: the expression is a statement of its own. ``overwritten``: the variable it is assigned to gets
    another value before anything reads it. ``unread``: nothing reads the variable. None where something may read it,
    where the value goes elsewhere (an argument, an attribute, a result), or where the source is not the user's.
    """
    source = source_of(site)
    node = source.node(site) if source is not None and site is not None else None
    if source is None or node is None:
        return None
    statement = source.parent(node)
    if isinstance(statement, ast.Expr):
        return "discarded"
    name = _target(statement)
    function = source.function_of(node)
    if name is None or function is None or not isinstance(statement, ast.stmt):
        return None
    for later in _after(source, statement, function):
        if _reads(later, name):
            return None
        if _target(later) == name:
            return "overwritten"
    return "unread"


def readers(source: Source, statement: ast.stmt) -> list[ast.Name] | None:
    """Where the variable that a statement gives a value to is read, until it gets another; None if that is not certain.

    What only asks for the shape or the type of the value does not count.
    """
    name = _target(statement)
    around = source.function_of(statement) or source.tree
    if name is None:
        return None
    found: list[ast.Name] = []
    for later in _after(source, statement, around):
        for part in ast.walk(later):
            if isinstance(part, ast.Name) and part.id == name and not isinstance(part.ctx, ast.Store):
                above = source.parent(part)
                if not (isinstance(above, ast.Attribute) and above.attr in _ABOUT):
                    found.append(part)
        if _target(later) == name:
            break
    return list(dict.fromkeys(found))


#: attributes that are the same whatever an activation makes of a tensor
_ABOUT = frozenset({"shape", "size", "dim", "ndim", "dtype", "device", "numel"})


def _target(statement: ast.AST | None) -> str | None:
    """The one variable a statement gives a value to."""
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets = [statement.target]
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else None


def _after(source: Source, statement: ast.stmt, function: ast.AST) -> Iterator[ast.stmt]:
    """The statements that may run after one in its function, in order; all of a loop's, for it may come round again."""
    inner: ast.AST = statement
    for above in (statement, *source.above(statement)):
        block = source.block_of(above) if isinstance(above, ast.stmt) and above is not function else None
        if block is not None and isinstance(above, ast.stmt):
            yield from block[block.index(above) + 1 :]
        if isinstance(above, ast.For | ast.While | ast.AsyncFor) and inner is not above:
            yield above
        if above is function:
            return
        inner = above


def _reads(statement: ast.stmt, name: str) -> bool:
    names = {"locals", "vars", "eval", "exec", name}
    for part in ast.walk(statement):
        if isinstance(part, ast.AugAssign):
            if isinstance(part.target, ast.Name) and part.target.id == name:
                return True
        elif isinstance(part, ast.Name) and part.id in names and not isinstance(part.ctx, ast.Store):
            return True
    return False

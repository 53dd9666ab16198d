"""Whether something that is missing is why code failed, where the error itself does not say so."""

from __future__ import annotations

import ast
import builtins
import linecache
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from types import FrameType, TracebackType
from typing import Any

from nnlint.load.standin import Origin, StandInUsed, origin_of

Span = tuple[int | None, int | None, int | None, int | None]

#: what Python raises where it is given a stand-in that is not of the kind it needs
_REFUSALS = (TypeError, ValueError, LookupError, StopIteration)


def blamed(error: BaseException) -> Origin | None:
    """What is missing where that is why an error was raised; None where it is the code's own, as far as can be seen.

    A stand-in that is used says so itself (`StandInUsed`). Beyond that it is to blame where an attribute was looked for
    that a base class may have which is not there, and where Python refused to work on what a stand-in gives:
    ``except Missing:``, ``first, second = missing()``, ``vars(missing)``.
    """
    if isinstance(error, StandInUsed):
        return error.origin
    if isinstance(error, AttributeError):
        return origin_of(error.obj) or origin_of(type(error.obj))
    if not isinstance(error, _REFUSALS) or (innermost := _last(error.__traceback__)) is None:
        return None
    frame = innermost.tb_frame
    span = next(islice(frame.f_code.co_positions(), innermost.tb_lasti // 2, None), (None, None, None, None))
    for operand in _operands(frame, span):
        for part in ast.walk(operand):
            if isinstance(part, ast.Name | ast.Attribute) and (origin := origin_of(_value(part, frame))) is not None:
                return origin
    return None


def _last(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace


def _operands(frame: FrameType, span: Span) -> Iterator[ast.expr]:
    """What Python worked on as it ran the code of a span; nothing where that code may have refused it itself."""
    tree = _tree(frame.f_code.co_filename)
    kinds = ast.expr | ast.Raise | ast.ExceptHandler
    node = next((node for node in ast.walk(tree) if isinstance(node, kinds) and _span(node) == span), None)
    if isinstance(node, ast.Call):
        if getattr(_value(node.func, frame), "__module__", None) == builtins.__name__:
            yield from node.args
    elif isinstance(node, ast.Tuple | ast.List) and isinstance(node.ctx, ast.Store):
        yield from (above.value for above in ast.walk(tree) if isinstance(above, ast.Assign) and node in above.targets)
    elif isinstance(node, ast.ExceptHandler) and node.type is not None:
        yield node.type
    elif isinstance(node, ast.Raise) and node.exc is not None:
        yield node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    elif isinstance(node, ast.expr):
        yield node


@lru_cache(maxsize=16)
def _tree(file: str) -> ast.Module:
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _span(node: ast.AST) -> Span:
    """Where a node stands, as code objects tell it."""
    names = ("lineno", "end_lineno", "col_offset", "end_col_offset")
    line, end, column, end_column = (getattr(node, name, None) for name in names)
    return line, end, column, end_column


def _value(node: ast.expr, frame: FrameType) -> Any:
    """What a name stands for, or an attribute of what it stands for; None where only running code would tell."""
    if isinstance(node, ast.Name):
        tables = (frame.f_locals, frame.f_globals, vars(builtins))
        return next((table[node.id] for table in tables if node.id in table), None)
    if isinstance(node, ast.Attribute):
        return getattr(_value(node.value, frame), "__dict__", {}).get(node.attr)
    return None

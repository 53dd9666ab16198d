"""Labels that a script makes itself, all of one class after all of another."""

from __future__ import annotations

import ast

from nnlint.script.evaluate import Evaluator
from nnlint.script.values import Made
from nnlint.site import Fact

_CONCATENATIONS = frozenset({"cat", "concat", "concatenate", "hstack"})
_TENSORS = frozenset({"tensor", "LongTensor", "array", "as_tensor"})
_CASTS = frozenset({"long", "float", "to", "unsqueeze", "view", "reshape", "type", "int", "astype", "squeeze"})
_CONSTANTS = frozenset({"zeros", "ones", "full", "zeros_like", "ones_like", "full_like"})
_DEPTH = 4


def grouped_labels(data: Made, reader: Evaluator) -> Fact[str] | None:
    """The expression that lists the labels of a ``TensorDataset`` class by class; None where none is seen to do so."""
    if len(data.node.args) < 2:
        return None
    found = _listed_by_class(data.node.args[-1], reader, 0)
    return reader.spans.fact(ast.unparse(found), found) if found is not None else None


def _listed_by_class(expr: ast.expr, reader: Evaluator, depth: int) -> ast.expr | None:
    expr = _inner(expr)
    if isinstance(expr, ast.Name) and depth < _DEPTH:
        bound = reader.frame.scope.lookup(expr.id)
        before = [one for one in bound[1] if getattr(one.node, "lineno", 0) < expr.lineno] if bound is not None else []
        value = before[0].value if len(before) == 1 else None
        return _listed_by_class(value, reader, depth + 1) if value is not None else None
    if isinstance(expr, ast.Call) and expr.args:
        leaf = (reader.names.dotted(expr.func, reader.frame.scope) or "").rpartition(".")[2]
        if leaf in _TENSORS:
            return _listed_by_class(expr.args[0], reader, depth + 1)
        if leaf in _CONCATENATIONS and isinstance(expr.args[0], ast.List | ast.Tuple):
            parts = [_inner(part) for part in expr.args[0].elts]
            return expr if len(parts) > 1 and all(_is_constant(part) for part in parts) else None
    if isinstance(expr, ast.BinOp) and isinstance(expr.op, ast.Add):
        return expr if _is_repeated(expr.left) and _is_repeated(expr.right) else None
    return None


def _inner(expr: ast.expr) -> ast.expr:
    """The expression within casts and moves: ``torch.cat(parts).long()``."""
    while isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute) and expr.func.attr in _CASTS:
        expr = expr.func.value
    return expr


def _is_constant(expr: ast.expr) -> bool:
    """Whether an expression makes an array of one value."""
    if isinstance(expr, ast.BinOp) and isinstance(expr.op, ast.Mult):
        return _is_constant(expr.left) or _is_constant(expr.right)
    return isinstance(expr, ast.Call) and ast.unparse(expr.func).rpartition(".")[2] in _CONSTANTS


def _is_repeated(expr: ast.expr) -> bool:
    """``[0] * 500``, or a sum of such lists."""
    if not isinstance(expr, ast.BinOp):
        return False
    if isinstance(expr.op, ast.Add):
        return _is_repeated(expr.left) and _is_repeated(expr.right)
    one = isinstance(expr.left, ast.List) and len(expr.left.elts) == 1 and isinstance(expr.left.elts[0], ast.Constant)
    return isinstance(expr.op, ast.Mult) and one

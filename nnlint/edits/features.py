"""Edits of the number of features that a flattened map has: in the layer that reads it, and where it is flattened."""

from __future__ import annotations

import ast
import math

from nnlint.edits.arguments import argument, set_argument
from nnlint.edits.source import call_at
from nnlint.finding import Edit
from nnlint.graph import Op
from nnlint.kinds import linear, reshaping

_SEVERAL = 2


def set_features(op: Op, *factors: int) -> tuple[Edit, ...] | None:
    """Give a linear layer another number of input features, or a flattening another size of its result.

    Args:
        factors: the numbers whose product it is (channels, height, width). They are written as a product where the old
            number was.

    Returns:
        No edits where the size is not written as a number (``x.flatten(1)``, ``x.view(len(x), -1)``): it follows by
        itself. None where the number cannot be changed.
    """
    if op in linear:
        old = argument(op, "in_features", position=0) if op.module is not None else None
        if old is None or (_value(old) is None and not _has_factor(old, factors)):
            return None
        edit = set_argument(op, "in_features", _text(old, factors), position=0)
        return (edit,) if edit is not None else None
    return _resized(op, factors) if op in reshaping else None


def _resized(op: Op, factors: tuple[int, ...]) -> tuple[Edit, ...] | None:
    found = call_at(op)
    if op.module is not None or op.name == "flatten":
        return ()
    if found is None:
        return None
    source, call = found
    given = (node for part in (*call.args, *call.keywords) for node in ast.walk(part))
    for node in given:
        if isinstance(node, ast.expr) and _value(source.text_of(node)) == op.shape[-1]:
            text = _text(source.text_of(node), factors)
            return (source.edit(source.start(node), source.end(node), text),)
    return ()


def _text(old: str | None, factors: tuple[int, ...]) -> str:
    """The product as the old one is written: with blanks or without, the channels first or last."""
    if old is None or "*" not in old or len(factors) < _SEVERAL:
        return str(math.prod(factors))
    first, last = (part.strip(" ()") for part in (old.partition("*")[0], old.rpartition("*")[2]))
    if last == str(factors[0]) != first:
        factors = (*factors[1:], factors[0])
    return (" * " if " " in old else "*").join(map(str, factors))


def _has_factor(text: str, factors: tuple[int, ...]) -> bool:
    """Whether one number is asked for, and a computed product (``64 * side * side``) states it as a factor."""
    names = ast.parse(f"({text})", mode="eval").body
    leaves = []
    while isinstance(names, ast.BinOp) and isinstance(names.op, ast.Mult):
        leaves.append(_product(names.right))
        names = names.left
    leaves.append(_product(names))
    return len(factors) == 1 and factors[0] in leaves


def _value(text: str | None) -> int | None:
    """The value of a number or of a product of numbers; None of anything else."""
    try:
        node = ast.parse(f"({text})", mode="eval").body
    except SyntaxError:
        return None
    return _product(node)


def _product(node: ast.expr) -> int | None:
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left, right = _product(node.left), _product(node.right)
        return None if left is None or right is None else left * right
    return None

"""Switches of a network: arguments of ``forward`` that decide what it gives."""

from __future__ import annotations

import ast

from nnlint.script.values import Known, Value


def sets_a_switch(
    forward: ast.FunctionDef | ast.AsyncFunctionDef | None, args: list[Value], kwargs: dict[str, Value]
) -> bool:
    """Whether a call of a network says yes, no or a word where a plain call says something else.

    What the network gives may then be another thing than what a plain call gives.

    Args:
        forward: its definition, None where it is not known: then every such argument may be a switch.
    """
    names = [item.arg for item in forward.args.args[1:]] if forward is not None else []
    defaults = _defaults(forward) if forward is not None else {}
    given = dict(zip([*names, *map(str, range(len(args)))], args, strict=False)) | kwargs
    return any(
        isinstance(value, Known) and isinstance(value.value, bool | str) and not _is(defaults.get(name), value.value)
        for name, value in given.items()
    )


def _defaults(forward: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, ast.expr]:
    named = [item.arg for item in forward.args.args[1:]]
    positional = dict(zip(named[::-1], forward.args.defaults[::-1], strict=False))
    pairs = zip(forward.args.kwonlyargs, forward.args.kw_defaults, strict=True)
    return positional | {item.arg: default for item, default in pairs if default is not None}


def _is(default: ast.expr | None, value: object) -> bool:
    return isinstance(default, ast.Constant) and default.value == value

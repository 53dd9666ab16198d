"""What a target that is a call says itself, ``net.py:Net(num_classes=5)``, and the call as the network is built."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from typing import Any

from nnlint.load.candidate import Candidate


def call_of(target: str) -> ast.Call | None:
    """The call in a target; None where it names a file or a network alone."""
    name, bracket, rest = target.partition("(")
    if not bracket:
        return None
    # in front of the name are the file, or the package and the module
    node = ast.parse(f"{name.rpartition(':')[2]}({rest}", mode="eval").body
    return node if isinstance(node, ast.Call) else None


def asked_for(target: str, candidate: Candidate) -> frozenset[str]:
    """The names of the arguments that the call in a target gives; empty where there is none."""
    call = call_of(target)
    return frozenset(_arguments(call, candidate)) if call is not None else frozenset()


def as_built(target: str, candidate: Candidate, changed: Mapping[str, Any]) -> str:
    """A target with the values that its network is built with in place of those it asks for.

    Args:
        changed: argument → the value it was given for the data; those that the target leaves out stay out.
    """
    call = call_of(target)
    given = _arguments(call, candidate) if call is not None else {}
    other = {place: changed[name] for name, place in given.items() if name in changed}
    if call is None or not other:
        return target
    for place, value in other.items():
        new = ast.parse(repr(value), mode="eval").body
        if isinstance(place, int):
            call.args[place] = new
        else:
            next(one for one in call.keywords if one.arg == place).value = new
    where, colon, _ = target.partition("(")[0].rpartition(":")
    return f"{where}{colon}{ast.unparse(call)}"


def _arguments(call: ast.Call, candidate: Candidate) -> dict[str, int | str]:
    """The arguments of a call by name → where they stand in it: the position, or the keyword."""
    given: dict[str, int | str] = {}
    made = candidate.namespace.get(call.func.id) if isinstance(call.func, ast.Name) else None
    if callable(made) and not any(isinstance(one, ast.Starred) for one in call.args):
        try:
            names = list(inspect.signature(made).parameters)
        except (TypeError, ValueError):  # a class of C has none
            names = []
        given |= {name: place for place, name in enumerate(names[: len(call.args)])}
    return given | {one.arg: one.arg for one in call.keywords if one.arg is not None}

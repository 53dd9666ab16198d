"""The constants of a file: names bound once at module level, options and configurations included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nnlint.script.state import State
from nnlint.script.values import ClassObject, Instance, Known, Space, Value
from nnlint.site import Fact

_DEPTH = 4


def constants(state: State) -> Mapping[str, Fact[Any]]:
    """Dotted name → value: ``width``, ``args.batch_size``, ``cfg.model.width``, ``Config.lr``."""
    found: dict[str, Fact[Any]] = {}
    module = state.module
    for name, value in module.variables.items():
        bindings = module.scope.bindings.get(name, ())
        if len(bindings) == 1 and bindings[0].kind in {"assign", "class"}:
            for dotted, known in _entries(state, name, value, 0):
                found[dotted] = state.spans.fact(known.value, known.node)
    return found


def _entries(state: State, name: str, value: Value, depth: int) -> Iterator[tuple[str, Known]]:
    match value:
        case Known():
            yield name, value
            return
        case Space() if not value.parser:
            inner: Mapping[Any, Value] = value.entries
        case Instance():
            inner = value.attributes
        case ClassObject() if value.scope in state.class_frames and not state.networks.is_module(value.scope):
            inner = state.class_frames[value.scope].variables
        case _:
            return
    if depth < _DEPTH:
        for key, entry in inner.items():
            if isinstance(key, str):
                yield from _entries(state, f"{name}.{key}", entry, depth + 1)

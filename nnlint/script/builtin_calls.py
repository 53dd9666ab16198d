"""Calls of Python's own functions and of argparse: what they return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnlint.script.values import (
    UNKNOWN,
    Known,
    Loaders,
    LossValue,
    Made,
    Parameters,
    Sequence,
    Space,
    Unknown,
    Value,
    batches_of,
    elements,
    join_all,
    losses_of,
    sources_of,
)

Element = Callable[[Value], Value]
#: functions that hand back (the elements of) their first argument, whatever else they do
_SAME = frozenset({"iter", "list", "tuple", "sorted", "reversed", "set", "tqdm", "trange", "track", "cycle", "islice"})


def passes_on(path: str) -> bool:
    """Whether a function gives the elements of its first argument: ``tqdm(loader)``."""
    return path.rpartition(".")[2] in _SAME or path in {"tqdm.auto", "tqdm.notebook"}


def builtin(path: str, args: list[Value], kwargs: dict[str, Value], element: Element, node: Any) -> Value | None:
    """What a call of a built-in (or of itertools, or a progress bar) returns; None for any other function."""
    if passes_on(path) and args:
        return _same(args[0])
    return _of_sequences(path, args, element) or _of_constants(path, args, kwargs, node)


def _of_sequences(path: str, args: list[Value], element: Element) -> Value | None:
    value: Value | None = None
    match path, args:
        case ("enumerate", [first, *_]):
            value = Sequence((Sequence((UNKNOWN, element(first))),), open=True, over=batches_of(first))
        case ("zip" | "itertools.zip_longest", [_, *_]):
            pairs = Sequence(tuple(element(arg) for arg in args))
            value = Sequence((pairs,), open=True, over=frozenset().union(*map(batches_of, args)))
        case ("next", [first, *_]):
            value = element(first)
        case ("sum", [first, *_]):
            value = _sum(first)
        case ("filter" | "map", [_, first, *_]):
            kept = isinstance(first, Parameters | Loaders)
            value = first if kept else Sequence((element(first),), open=True)
        case ("itertools.chain" | "itertools.chain.from_iterable", [_, *_]):
            value = _chain(args)
    return value


def _of_constants(path: str, args: list[Value], kwargs: dict[str, Value], node: Any) -> Value | None:
    value: Value | None = None
    match path, args:
        case ("int" | "float", [Known() as first]):
            value = _converted(path, first)
        case ("int" | "float" | "len" | "str" | "print" | "isinstance" | "hasattr" | "type", _):
            value = UNKNOWN
        case ("max" | "min", [Known(), Known(), *_]):
            value = _extreme(path, args, node)
        case ("dict", _):
            value = Space((dict(args[0].entries) if args and isinstance(args[0], Space) else {}) | kwargs)
        case ("vars", [Space() as space]):
            value = space
        case ("getattr", [Space() as space, Known(value=str() as key), *rest]):
            value = space.entries.get(key, rest[0] if rest else UNKNOWN)
    return value


def _same(value: Value) -> Value:
    if isinstance(value, Space) and not value.parser:
        return UNKNOWN
    if isinstance(value, Made) and value.path != "range":
        return Unknown("", value.sources)
    return value


def _converted(path: str, value: Known) -> Value:
    try:
        return Known(int(value.value) if path == "int" else float(value.value), value.node)
    except (TypeError, ValueError, OverflowError):
        return UNKNOWN


def _extreme(path: str, args: list[Value], node: Any) -> Value:
    values = [arg.value for arg in args if isinstance(arg, Known) and isinstance(arg.value, int | float)]
    if len(values) != len(args):
        return UNKNOWN
    return Known(max(values) if path == "max" else min(values), node)


def _sum(value: Value) -> Value:
    if losses_of(value):
        return LossValue(losses_of(value), sources_of(value))
    return Unknown("", sources_of(value))


def _chain(args: list[Value]) -> Value:
    found = [item for arg in args for item in (arg, *elements(arg)) if isinstance(item, Parameters)]
    if found:
        return Parameters(tuple(dict.fromkeys(name for item in found for name in item.networks)))
    return Sequence((join_all(args),), open=True)


def entries_view(space: Space, name: str) -> Value | None:
    """What ``items()``, ``keys()`` and ``values()`` of a dict give; None for any other method."""
    values = tuple(space.entries.values())
    if name == "values":
        return Sequence(values, open=any(isinstance(key, tuple) for key in space.entries))
    if name == "items":
        return Sequence(tuple(Sequence((UNKNOWN, value)) for value in values), open=True)
    if name == "keys":
        return Sequence((UNKNOWN,), open=True)
    return None

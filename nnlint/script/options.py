"""Options and configurations: what ``argparse``, namespaces and dict-like classes hold."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from nnlint.script.values import UNKNOWN, Dotted, Known, Sequence, Space, Value

#: classes (by their last name) whose objects give the entries of a dict, or keyword arguments, as attributes
NAMESPACES = frozenset(
    {
        "SimpleNamespace",
        "Namespace",
        "EasyDict",
        "AttrDict",
        "DotDict",
        "Box",
        "Munch",
        "ConfigDict",
        "Dict",
        "AttributeDict",
    }
)
_CONVERSIONS: dict[str, Callable[[Any], Any]] = {"int": int, "float": float, "str": str}
_SWITCHES = {"store_true": False, "store_false": True}


def add_argument(parser: Space, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> None:
    """Follows ``parser.add_argument("--batch-size", type=int, default=64)``: an entry with the default."""
    flags = [arg.value for arg in args if isinstance(arg, Known) and isinstance(arg.value, str)]
    name = _destination(flags, kwargs.get("dest"))
    if name is None:
        return
    action = kwargs.get("action")
    if "default" in kwargs:
        parser.entries[name] = _converted(kwargs["default"], kwargs.get("type"))
    elif isinstance(action, Known) and action.value in _SWITCHES:
        parser.entries[name] = Known(_SWITCHES[action.value], action.node)
    elif "required" in kwargs or not flags[0].startswith("-"):
        parser.entries[name] = UNKNOWN
    else:
        parser.entries[name] = Known(None, node)


def _destination(flags: list[str], given: Value | None) -> str | None:
    if isinstance(given, Known) and isinstance(given.value, str):
        return given.value
    long = [flag for flag in flags if flag.startswith("--")]
    if not flags:
        return None
    return (long[0] if long else flags[0]).lstrip("-").replace("-", "_")


def _converted(default: Value, kind: Value | None) -> Value:
    """A default as ``argparse`` gives it: texts are put through ``type``, other values are not."""
    if not isinstance(default, Known) or not isinstance(default.value, str) or kind is None:
        return default
    function = _CONVERSIONS.get(kind.path) if isinstance(kind, Dotted) else None
    if function is None:
        return UNKNOWN
    try:
        return Known(function(default.value), default.node)
    except ValueError:
        return UNKNOWN


def parsed(parser: Space, args: list[Value], kwargs: dict[str, Value]) -> Space:
    """What ``parse_args`` returns: the defaults. Options given in the source itself are no longer the defaults."""
    entries = dict(parser.entries)
    given = args[0] if args else kwargs.get("args")
    if isinstance(given, Sequence):
        for item in given.items:
            if isinstance(item, Known) and isinstance(item.value, str) and item.value.startswith("-"):
                entries[_destination([item.value], None)] = UNKNOWN
    return Space(entries)


def namespace(args: list[Value], kwargs: dict[str, Value]) -> Space | None:
    """The namespace that a dict-like class makes of its arguments; None where they are not followed."""
    if len(args) > 1 or (args and not isinstance(args[0], Space)):
        return None
    entries = dict(args[0].entries) if args and isinstance(args[0], Space) else {}
    return Space(entries | kwargs)

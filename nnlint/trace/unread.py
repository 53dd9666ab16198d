"""Which modules that never ran no code could run: nothing in the source reads the attribute that holds them.

A module may well sit out one pass: a head that only the training uses, a decoder that another method calls, a branch
behind a condition. Of all these the source of the class, or of the script, reads the attribute somewhere. What is left
is registered, trained for nothing, and saved.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from types import FunctionType

from torch import nn

from nnlint.frames import is_foreign
from nnlint.graph import Idle
from nnlint.site import Site

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
#: what is asked of a module without running it
_SETTINGS = frozenset(
    {
        "parameters", "named_parameters", "buffers", "named_buffers", "modules", "named_modules", "apply",
        "reset_parameters", "train", "eval", "to", "cpu", "cuda", "half", "float", "double", "bfloat16",
        "requires_grad_", "state_dict", "load_state_dict", "in_features", "out_features", "in_channels",
        "out_channels", "training", "data",
    }
)  # fmt: skip
#: ways to reach the modules of an object without naming them
_ALL = frozenset({"children", "named_children", "_modules", "__dict__"})


def idle_modules(model: nn.Module, unused: Iterable[str], site: Callable[[nn.Module], Site | None]) -> tuple[Idle, ...]:
    """Those of the unused modules that the source assigns to an attribute and never reads from it."""
    found = []
    for path in unused:
        above, _, name = path.rpartition(".")
        parent = model.get_submodule(above)
        files = dict.fromkeys([*_files(type(parent)), *_files(type(model))])
        if isinstance(parent, _CONTAINERS) or not files:
            continue
        words = [_words(file) for file in files]
        classes = {cls.__name__ for cls in type(parent).__mro__} | {""}
        if any(name in held.stored for held in words) and not any(held.may_read(name, classes) for held in words):
            module = model.get_submodule(path)
            params = sum(p.numel() for p in module.parameters() if not nn.parameter.is_lazy(p))
            found.append(Idle(path, type(module).__name__, params, site(module)))
    return tuple(found)


def _files(cls: type) -> Iterator[str]:
    """The files that define a class and those it is derived from, torch's own left out."""
    for base in cls.__mro__:
        for value in vars(base).values():
            if isinstance(value, FunctionType) and not is_foreign(value.__code__.co_filename):
                yield value.__code__.co_filename
                break


@dataclass(frozen=True, slots=True)
class _Words:
    """The attributes a file assigns, those it reads, and what it may read by a name that is put together."""

    stored: set[str] = field(default_factory=set)
    #: the class around it for an attribute of ``self``, "" for any other; and the attribute
    read: set[tuple[str, str]] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    #: beginnings of names: ``f"layer{i}"``
    begun: set[str] = field(default_factory=set)

    def may_read(self, name: str, classes: set[str]) -> bool:
        if name in self.texts or any(own in classes and word in (name, *_ALL) for own, word in self.read):
            return True
        return any(name.startswith(start) for start in self.begun)


@lru_cache(maxsize=64)
def _words(file: str) -> _Words:
    found = _Words()
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):  # the file is not what was imported
        found.begun.add("")
        return found
    _collect(tree, found, (), "")
    if "getattr" in found.texts:
        found.begun.update(text for text in found.texts if text.isidentifier() and len(text) > 1)
    return found


def _collect(node: ast.AST, found: _Words, around: tuple[ast.AST, ...], cls: str) -> None:
    cls = node.name if isinstance(node, ast.ClassDef) else cls
    if isinstance(node, ast.Attribute):
        if isinstance(node.ctx, ast.Store):
            found.stored.add(node.attr)
        elif isinstance(node.ctx, ast.Load) and not _is_set_up(node, around):
            own = isinstance(node.value, ast.Name) and node.value.id == "self"
            found.read.add((cls if own else "", node.attr))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        found.texts.update(node.value.split(".") if len(node.value) < 200 else ())
        for mark in "{%":
            if mark in node.value[:40]:
                found.begun.add(node.value.partition(mark)[0])
    elif isinstance(node, ast.JoinedStr):
        if _is_printed(around):
            return
        first = node.values[0] if node.values else None
        found.begun.add(first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else "")
    elif isinstance(node, ast.Name) and node.id == "getattr":
        found.texts.add("getattr")
    for child in ast.iter_child_nodes(node):
        _collect(child, found, (node, *around[:5]), cls)


def _is_printed(around: tuple[ast.AST, ...]) -> bool:
    """Whether a text is only shown: ``print(f"{epoch}: {loss}")`` names no attribute."""
    return bool(around) and isinstance(around[0], ast.Call) and getattr(around[0].func, "id", "") == "print"


def _is_set_up(node: ast.AST, around: tuple[ast.AST, ...]) -> bool:
    """Whether an attribute is only read to set the module up: its weights drawn, its mode or its device changed."""
    first = around[0]
    if isinstance(first, ast.Attribute):
        if first.attr in _SETTINGS:
            return True
        second = around[1]
        if isinstance(second, ast.Attribute) and second.attr in _SETTINGS:  # self.fc.weight.data.normal_(0, 0.01)
            return True
        node, around = first, around[1:]
    call = around[0]
    return isinstance(call, ast.Call) and node in call.args and "init" in ast.unparse(call.func)

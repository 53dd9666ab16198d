"""Any Python structure with tensors in it, taken apart and put together again with other tensors.

Lists, dicts, dataclasses, caches, closures and plain objects are walked by the protocol `copy` and `pickle` use
(``__reduce_ex__``), so whatever can be copied can be rebuilt.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

#: what holds no tensor and needs no look inside
ATOMS = (
    type(None), bool, int, float, complex, str, bytes, type, range, torch.dtype, torch.device, torch.layout,
    torch.memory_format, torch.Size, torch.Generator, nn.Module, types.ModuleType, types.BuiltinFunctionType,
    type(Ellipsis), type(NotImplemented),
)  # fmt: skip

Tensors = Sequence[torch.Tensor]


class Built(dict[int, Any]):
    """One rebuilding: the objects made so far, by the id of their part (shared and circular references stay so)."""

    def __init__(self, tensors: Tensors) -> None:
        super().__init__()
        self.tensors = tensors


class Part:
    """A piece of a template; ``holds`` says whether a tensor is in it (else the original object is used again)."""

    holds = False

    def __init__(self, original: Any = None) -> None:
        self.original = original

    def build(self, built: Built) -> Any:  # noqa: ARG002 (the others need it)
        """The piece, made of other tensors."""
        return self.original


class _Slot(Part):
    holds = True

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def build(self, built: Built) -> Any:
        return built.tensors[self.index]


class _Made(Part):
    """An object made by a function of other pieces, then filled."""

    def __init__(self, make: Callable[..., Any], parts: list[Part]) -> None:
        super().__init__()
        self.make = make
        self.parts = parts
        self.state: Part | None = None
        self.items: list[Part] = []
        self.pairs: list[tuple[Part, Part]] = []

    def build(self, built: Built) -> Any:
        if id(self) in built:
            return built[id(self)]
        made = self.make(*[part.build(built) for part in self.parts])
        built[id(self)] = made
        if self.state is not None:
            _set_state(made, self.state.build(built))
        for item in self.items:
            made.append(item.build(built))
        for key, value in self.pairs:
            made[key.build(built)] = value.build(built)
        return made


def _set_state(made: Any, state: Any) -> None:
    if hasattr(made, "__setstate__"):
        made.__setstate__(state)
        return
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
        for name, value in (slots or {}).items():
            object.__setattr__(made, name, value)
    if state:
        made.__dict__.update(state)


class Template:
    """A structure, and the tensors found in it in the order of the walk.

    Args:
        value: the structure; it is read, never changed. It is not kept where it holds tensors.
    """

    def __init__(self, value: Any) -> None:
        self.tensors: list[torch.Tensor] = []
        self._seen: dict[int, Part] = {}
        self._alive: list[Any] = []
        self._root = self._part(value)
        self.size = len(self.tensors)
        self._seen.clear()
        self._alive.clear()

    def detached(self) -> Template:
        """The template without the tensors it was made from."""
        self.tensors = []
        return self

    def build(self, tensors: Tensors) -> Any:
        """The structure with these tensors in place of the original ones."""
        if len(tensors) != self.size:
            raise ValueError(f"the structure holds {self.size} tensors, {len(tensors)} were given")
        return self._root.build(Built(tensors))

    def _part(self, value: Any) -> Part:
        if isinstance(value, torch.Tensor):
            return self._slot(value)
        if isinstance(value, ATOMS) or type(value).__module__ == "numpy":
            return Part(value)
        if id(value) in self._seen:
            return self._seen[id(value)]
        self._alive.append(value)
        return self._compound(value)

    def _slot(self, tensor: torch.Tensor) -> Part:
        if id(tensor) not in self._seen:
            self._seen[id(tensor)] = _Slot(len(self.tensors))
            self.tensors.append(tensor)
        return self._seen[id(tensor)]

    def _compound(self, value: Any) -> Part:
        by_class: dict[type, Callable[[Any], Part]] = {
            list: self._list, dict: self._dict, tuple: self._tuple, types.FunctionType: self._function,
            types.MethodType: self._method, functools.partial: self._partial,
        }  # fmt: skip
        return by_class.get(type(value), self._object)(value)

    def _list(self, value: list[Any]) -> Part:
        made = self._noted(value, _Made(list, []))
        made.items = [self._part(item) for item in value]
        return made

    def _dict(self, value: dict[Any, Any]) -> Part:
        made = self._noted(value, _Made(dict, []))
        made.pairs = [(self._part(key), self._part(item)) for key, item in value.items()]
        return made

    def _tuple(self, value: tuple[Any, ...]) -> Part:
        return self._noted(value, _Made(_tuple, [self._part(item) for item in value]))

    def _method(self, value: types.MethodType) -> Part:
        return self._noted(value, _Made(types.MethodType, [Part(value.__func__), self._part(value.__self__)]))

    def _partial(self, value: functools.partial[Any]) -> Part:
        parts = [self._part(value.func), self._part(value.args), self._part(value.keywords)]
        return self._noted(value, _Made(_partial, parts))

    def _noted(self, value: Any, made: _Made) -> _Made:
        self._seen[id(value)] = made
        return made

    def _function(self, value: types.FunctionType) -> Part:
        before = len(self.tensors)
        self._seen[id(value)] = Part(value)  # a function that closes over itself
        cells = [self._part(cell.cell_contents) for cell in value.__closure__ or () if _filled(cell)]
        if len(self.tensors) == before or len(cells) != len(value.__closure__ or ()):
            return self._seen[id(value)]
        return self._noted(value, _Made(functools.partial(_function, value), cells))

    def _object(self, value: Any) -> Part:
        before = len(self.tensors)
        try:
            reduced = value.__reduce_ex__(4)
        except Exception:  # what cannot be copied is used as it is
            reduced = None
        if not isinstance(reduced, tuple):
            return self._noted_part(value)
        make, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        made = _Made(make, [])
        self._seen[id(value)] = made
        made.parts = [self._part(argument) for argument in arguments]
        made.state = self._part(state) if state is not None else None
        made.items = [self._part(item) for item in items or ()]
        made.pairs = [(self._part(key), self._part(item)) for key, item in pairs or ()]
        return made if len(self.tensors) > before else self._noted_part(value)

    def _noted_part(self, value: Any) -> Part:
        part = self._seen[id(value)] = Part(value)
        return part


def _tuple(*items: Any) -> tuple[Any, ...]:
    return items


def _partial(func: Any, args: Any, keywords: Any) -> Any:
    return functools.partial(func, *args, **keywords)


def _filled(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 (reading an empty cell raises)
    except ValueError:
        return False
    return True


def _function(original: types.FunctionType, *contents: Any) -> types.FunctionType:
    cells = tuple(types.CellType(content) for content in contents)
    made = types.FunctionType(original.__code__, original.__globals__, original.__name__, original.__defaults__, cells)
    made.__kwdefaults__ = original.__kwdefaults__
    made.__dict__.update(original.__dict__)
    return made


def tensors_in(value: Any) -> tuple[torch.Tensor, ...]:
    """The tensors of a structure, each once, in the order of the walk."""
    return tuple(Template(value).tensors)

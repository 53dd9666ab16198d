"""What is known of the functions that reach the recorder: which only ask, which write, which return their argument."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.fx.node import _get_qualified_name

from nnlint.trace import replay

Arguments = tuple[tuple[Any, ...], dict[str, Any]]

_T = torch.Tensor
#: attributes of a tensor that are tensors: reading one is an operation
_TENSOR_PROPERTIES = frozenset({"T", "H", "mT", "mH", "data", "real", "imag", "grad"})
#: methods that never return a tensor; they are called as they are
_QUERIES = frozenset(
    getattr(_T, name)
    for name in (
        "size", "stride", "dim", "ndimension", "numel", "nelement", "element_size", "is_contiguous", "is_complex",
        "is_floating_point", "is_signed", "get_device", "storage_offset", "data_ptr", "untyped_storage", "storage",
        "is_pinned", "is_inference", "is_conj", "is_neg", "has_names", "item", "tolist", "numpy", "__len__",
        "__bool__", "__int__", "__float__", "__index__", "__format__", "__repr__", "__array__", "__hash__",
        "is_same_size", "is_set_to", "register_hook", "retain_grad", "is_shared", "__dlpack__", "__dlpack_device__",
        "__contains__", "dim_order", "equal", "allclose", "__reduce_ex__", "__complex__",
    )
    if hasattr(_T, name)
)  # fmt: skip
_QUERIES |= {torch.equal, torch.allclose, torch.numel, torch.is_floating_point, torch.is_complex, torch.is_tensor}


@functools.cache
def _named(func: Callable[..., Any]) -> str:
    return str(getattr(func, "__name__", ""))


def is_query(func: Callable[..., Any]) -> bool:
    """Whether a function only asks a tensor something (its shape, its value as a number)."""
    if func in _QUERIES:
        return True
    if _named(func) != "__get__":
        return False
    return _attribute(func) not in _TENSOR_PROPERTIES


def is_condition(func: Callable[..., Any]) -> bool:
    """Whether it makes a truth value of a tensor: ``if mask.all()``, ``0 in tokens``."""
    return func in (torch.Tensor.__bool__, torch.Tensor.__contains__)


def property_name(func: Callable[..., Any]) -> str | None:
    """The attribute that a getter reads; None if the function is no getter."""
    return _attribute(func) if _named(func) == "__get__" else None


@functools.cache
def _attribute(func: Callable[..., Any]) -> str:
    descriptor = getattr(func, "__self__", None)
    if isinstance(descriptor, property):
        return str(getattr(descriptor.fget, "__name__", ""))
    return str(getattr(descriptor, "__name__", ""))


@dataclass(frozen=True, slots=True)
class Effect:
    """How a function that returns nothing is written as a node.

    Attributes:
        helper: the function the node calls.
        arguments: the helper's arguments, from the function's.
        changes_values: whether its first argument has other values afterwards.
    """

    helper: Callable[..., Any]
    arguments: Callable[..., Arguments]
    changes_values: bool


def _as_given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    return args, kwargs


@functools.cache
def effect_of(func: Callable[..., Any]) -> Effect | None:
    """What a function does that returns nothing; None if nothing a later run needs."""
    name = _named(func)
    if func is _T.__setitem__:
        return Effect(replay.set_item, _as_given, True)
    if name == "__delitem__":
        return Effect(replay.delete_item, _as_given, True)
    if name == "__set__" and (attribute := _attribute(func)) in {"data", "real", "imag", "requires_grad"}:
        return Effect(
            replay.set_attribute,
            lambda args, kwargs: ((args[0], attribute, *args[1:]), kwargs),
            attribute != "requires_grad",
        )
    if _overwrites_by_name(name) or runs_backward(func):
        return Effect(func, _as_given, False)
    return None


def _overwrites_by_name(name: str) -> bool:
    return name.endswith("_") and not name.endswith("__")


def returns_itself(func: Callable[..., Any]) -> bool:
    """Whether a function hands back the very object it was given by its nature (``requires_grad_``)."""
    return _overwrites_by_name(_named(func))


def runs_backward(func: Callable[..., Any]) -> bool:
    """Whether a function adds to gradients."""
    return func is _T.backward or func is torch.autograd.backward


_INPLACE_OPERATORS = frozenset(
    f"__i{name}__" for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift")
)


def written(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[torch.Tensor]:
    """The tensors a call is about to overwrite."""
    name = _named(func)
    writes = _overwrites_by_name(name) or name in {"__setitem__", "__set__"} or name in _INPLACE_OPERATORS
    if writes or kwargs.get("inplace") is True:
        yield from _flat(args[0] if args else list(kwargs.values()))
    if "out" in kwargs:
        yield from _flat(kwargs["out"])
    if name in {"embedding", "embedding_bag"}:  # max_norm renormalises the weight in place
        yield from _flat((*args[1:2], kwargs.get("weight")))
    if name in {"batch_norm", "instance_norm"}:
        yield from _flat((*args[1:3], kwargs.get("running_mean"), kwargs.get("running_var")))


def _flat(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _flat(item)


def overwrites(
    thing: Callable[..., Any],
    kwargs: dict[str, Any],
    result: Any,
    read: Sequence[torch.Tensor],
    versions: Sequence[int | None],
) -> bool:
    """Whether a call overwrote the tensor it returned: the result is an argument, and its version counter moved.

    In inference mode nothing is counted, and the name has to tell.
    """
    first = result[0] if isinstance(result, tuple) and result else result
    for tensor, version in zip(read, versions, strict=True):
        if first is tensor:
            if version is not None:
                return bool(tensor._version != version)
            return (
                _overwrites_by_name(_named(thing))
                or kwargs.get("inplace") is True
                or "out" in kwargs
                or getattr(thing, "inplace", False) is True
            )
    return False


@functools.cache
def is_printable(func: Callable[..., Any]) -> bool:
    """Whether fx can write a call of the function in the code it generates."""
    try:
        name = _get_qualified_name(func)
    except (AttributeError, RuntimeError, TypeError):
        return False
    head, *rest = name.split(".")
    if head != "torch":
        return name.replace(".", "_").isidentifier()
    try:
        found: Any = importlib.import_module(head)
        for part in rest:
            found = getattr(found, part)
    except (AttributeError, RuntimeError):
        return False
    return bool(found is func or found == func)

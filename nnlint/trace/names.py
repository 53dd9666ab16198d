"""The op name and the spelling of what the recorder saw: live callables and modules, resolved to `nnlint.names`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from torch.nn import functional as F  # noqa: N812
from torch.nn.utils.parametrize import type_before_parametrizations

from nnlint.names import name_of_dotted, public_path
from nnlint.trace.run import Run

#: how people write the long paths, longest first
_SHORT = {"torch.nn.functional.": "F.", "torch.nn.": "nn.", "torch.Tensor.": "Tensor."}
_OF_TWO_TENSORS = {"max": "maximum", "min": "minimum"}
_SAME_TENSOR = frozenset({"torch.as_tensor", "torch.asarray"})
_CASTS = frozenset({"to", "cast_to_integer"})


def op_name(run: Run) -> str:
    """The op name of what a node ran; a callable nnlint has no name for keeps its dotted path.

    A subclass of a torch layer is that layer. Where one spelling has two meanings the tensors decide: ``torch.max`` of
    two tensors is ``maximum``, ``torch.as_tensor`` of a tensor is an ``alias`` of it, and ``.to(...)`` from a floating
    dtype to an integer one is ``cast_to_integer``.
    """
    if run.module is not None:
        cls: Any = type(run.module)
        return module_name(cls) or class_path(cls)
    if run.function is None:
        return "constant" if run.role == "buffer" else run.role
    path = dotted_path(run.function)
    name = name_of_dotted(path) or path
    if name in _OF_TWO_TENSORS and len(run.reads) > 1:
        return _OF_TWO_TENSORS[name]
    if name == "tensor" and run.reads and path in _SAME_TENSOR:
        return "alias"
    if name in _CASTS and run.reads and run.values:
        return _cast(run.reads[0].dtype, run.values[0].dtype)
    return name


def spelling(run: Run) -> str:
    """How the source spells it, by the names people import torch's parts under: ``nn.Conv2d``, ``F.relu``,
    ``Tensor.relu_``, ``torch.cat``; a class of the user's own by its name."""
    if run.module is not None:
        cls = type_before_parametrizations(run.module)
        path = class_path(cls)
        if not path.startswith("torch."):
            return cls.__qualname__
    elif run.function is not None:
        path = dotted_path(run.function)
        word = path.rpartition(".")[2]
        if getattr(F, word, None) is run.function:  # F.conv2d is torch.conv2d
            return f"F.{word}"
    else:
        return run.role
    return _shortened(path)


@functools.cache
def _shortened(path: str) -> str:
    for prefix, short in _SHORT.items():
        if path.startswith(prefix):
            return short + path.removeprefix(prefix)
    return path


@functools.lru_cache(maxsize=1024)
def module_name(cls: type[Any]) -> str | None:
    """The op name of a layer class: its own, or that of the nearest base class that has one."""
    return next((name for base in cls.__mro__ if (name := name_of_dotted(class_path(base)))), None)


def class_path(cls: type) -> str:
    """The dotted path a class is documented under."""
    return public_path(f"{cls.__module__}.{cls.__qualname__}")


@functools.lru_cache(maxsize=4096)
def dotted_path(function: Callable[..., Any]) -> str:
    """The dotted path a callable is documented under: ``torch.Tensor.relu_``, ``torch.nn.functional.conv2d``.

    Attributes of tensors that are computed (``x.T``) are methods; a partial is what it wraps; any other object is
    called by its class.
    """
    if isinstance(function, functools.partial):
        return dotted_path(function.func)
    name: str | None = getattr(function, "__name__", None)
    owner = getattr(function, "__self__", None)
    if name is None:
        return class_path(type(function))
    if name == "apply" and isinstance(owner, type):  # autograd.Function
        return class_path(owner)
    return public_path(_defined_at(function, name, owner))


def _defined_at(function: Any, name: str, owner: object) -> str:
    if name == "__get__":
        return f"torch.Tensor.{_attribute_name(owner)}"
    if hasattr(function, "__objclass__"):
        return f"torch._C.{function.__objclass__.__name__}.{name}"
    home: str = getattr(function, "__module__", None) or "builtins"
    if home.startswith("torch._ops."):  # relu.default of torch.ops.aten
        return f"torch.ops.{home.removeprefix('torch._ops.')}.{name.partition('.')[0]}"
    qualified: str = getattr(function, "__qualname__", None) or name
    if "<locals>" in qualified and home.startswith("torch."):  # torch makes max_pool2d in a function
        qualified = name
    return f"{home}.{qualified}"


def _attribute_name(descriptor: object) -> str:
    getter = getattr(descriptor, "fget", descriptor)
    return str(getattr(getter, "__name__", "__get__"))


def _cast(source: str, target: str) -> str:
    exact = target == source or _is_inexact(target) or not (_is_inexact(source) or target.endswith("bool"))
    return "to" if exact else "cast_to_integer"


def _is_inexact(dtype: str) -> bool:
    return "float" in dtype or "complex" in dtype

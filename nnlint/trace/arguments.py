"""The arguments of a call by name: what Python's signatures say, and torch's own schemas for its built-in functions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx
from torch.nn import functional as F  # noqa: N812

from nnlint.trace.names import dotted_path

#: numpy's words, and torch's two words for the first tensor
_SYNONYMS = {"axis": "dim", "axes": "dims", "keepdims": "keepdim", "train": "training", "self": "input"}
#: the kind of a parameter that takes all further arguments
_REST = "*"
#: what a schema's type accepts; dtypes and layouts are integers to it
_ACCEPTED: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int, torch.SymInt, torch.dtype, torch.layout, torch.memory_format),
    "float": (int, float, torch.SymInt, torch.SymFloat),
    "number": (int, float, complex, torch.SymInt, torch.SymFloat),
    "str": (str,),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a signature; ``kind`` is the schema's type (``Tensor``, ``List[int]``), "" if unknown."""

    name: str
    default: Any = inspect.Parameter.empty
    keyword_only: bool = False
    kind: str = ""


Signature = tuple[Parameter, ...]


def bind(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], *, defaults: bool = True
) -> dict[str, Any]:
    """The call's arguments by the names of torch's documentation (the first tensor is ``input``).

    With ``defaults`` those that were not given are there with their default.

    Of several overloads the first that fits is taken. Empty where no signature is known or none fits.
    """
    given = {_SYNONYMS.get(name, name): value for name, value in kwargs.items()} if kwargs else {}
    for signature in signatures(function):
        bound = _fit(signature, args, given)
        if bound is not None:
            return {p.name: p.default for p in signature if p.name not in bound} | bound if defaults else bound
    return {}


@functools.lru_cache(maxsize=1024)
def signatures(function: Callable[..., Any]) -> tuple[Signature, ...]:
    """The overloads of a function, in torch's order; none if they cannot be told."""
    name = getattr(function, "__name__", "")
    if getattr(function, "__qualname__", "").startswith("boolean_dispatch."):
        function = getattr(F, f"{name}_with_indices", function)  # torch hides the signature of max_pool2d
    if inspect.isfunction(function):
        return (tuple(_of_python(function)),)
    path = dotted_path(function)
    if not path.startswith("torch."):
        return ()
    return tuple(_of_schemas("aten::" + path.rpartition(".")[2])) or tuple(_of_schemas(f"aten::{name}"))


def _of_python(function: Callable[..., Any]) -> Iterator[Parameter]:
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            yield Parameter(parameter.name, (), kind=_REST)
            continue
        name = _SYNONYMS.get(parameter.name, parameter.name)
        yield Parameter(name, parameter.default, parameter.kind is parameter.KEYWORD_ONLY)


def _of_schemas(name: str) -> Iterator[Signature]:
    for schema in torch._C._jit_get_schemas_for_operator(name):
        if "Dimname" in str(schema) or any(argument.is_out for argument in schema.arguments):
            continue
        yield tuple(
            Parameter(
                _SYNONYMS.get(argument.name, argument.name),
                argument.default_value if argument.has_default_value() else inspect.Parameter.empty,
                argument.kwarg_only,
                _kind(str(argument.type)),
            )
            for argument in schema.arguments
        )


def _kind(written: str) -> str:
    return written.removeprefix("Optional[").removesuffix("]") if written.startswith("Optional[") else written


def _fit(signature: Signature, args: tuple[Any, ...], given: Mapping[str, Any]) -> dict[str, Any] | None:
    positional = [parameter for parameter in signature if not parameter.keyword_only]
    if len(args) > len(positional) or (positional and positional[-1].kind == _REST):
        args = _gather(positional, args)
        if len(args) > len(positional):
            return None
    bound = {}
    for parameter, value in zip(positional, args, strict=False):
        if parameter.kind and not _suits(parameter.kind, value):
            return None
        bound[parameter.name] = value
    unknown = len(given)
    for parameter in signature:
        if parameter.name in given:
            if parameter.name in bound:
                return None
            bound[parameter.name] = given[parameter.name]
            unknown -= 1
        elif parameter.name not in bound and parameter.default is inspect.Parameter.empty:
            return None
    return None if unknown else bound


def _gather(positional: list[Parameter], args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments with the last ones made one: ``x.view(2, 3)``, ``torch.einsum(equation, x, y)``."""
    last = len(positional) - 1
    if positional and positional[last].kind == _REST:
        return (*args[:last], args[last:])
    if last == 1 and positional[1].kind.startswith("List["):
        return args[0], args[1:]
    return args


def _suits(kind: str, value: Any) -> bool:
    if value is None or kind == _REST:
        return True
    if isinstance(value, (fx.Node, torch.Tensor)):  # a tensor, or a number that is computed
        return kind in ("Tensor", "number", "int", "float", "bool")
    if kind == "List[int]" and isinstance(value, int):  # one number for all
        return True
    if kind.startswith("List["):
        return isinstance(value, (list, tuple))
    return kind != "Tensor" and isinstance(value, _ACCEPTED.get(kind, object))

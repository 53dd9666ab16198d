"""The arguments of a call by name: what Python's signatures say, and torch's own schemas for its built-in functions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
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


class Signature:
    """One overload, with what fitting a call to it needs worked out beforehand."""

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        every = tuple(parameters)
        self.positional = tuple(parameter for parameter in every if not parameter.keyword_only)
        self.gathers = bool(self.positional) and self.positional[-1].kind == _REST
        self.words = frozenset(parameter.name for parameter in every)
        self.defaults = {p.name: p.default for p in every if p.default is not inspect.Parameter.empty}
        self.required = self.words - self.defaults.keys()


def bind(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], *, defaults: bool = True
) -> dict[str, Any]:
    """The call's arguments by the names of torch's documentation (the first tensor is ``input``).

    With ``defaults`` those that were not given are there with their default. Of several overloads the first that fits
    is taken. Empty where no signature is known or none fits.
    """
    given = {_SYNONYMS.get(name, name): value for name, value in kwargs.items()} if kwargs else {}
    overloads = signatures(function)
    for signature in overloads:
        bound = _fit(signature, args, given, checked=len(overloads) > 1)
        if bound is not None:
            if defaults:
                for name, value in signature.defaults.items():
                    bound.setdefault(name, value)
            return bound
    return {}


@functools.lru_cache(maxsize=1024)
def signatures(function: Callable[..., Any]) -> tuple[Signature, ...]:
    """The overloads of a function, in torch's order; none if they cannot be told."""
    function = inspect.unwrap(function)  # torch wraps Tensor.pow
    name = getattr(function, "__name__", "")
    if getattr(function, "__qualname__", "").startswith("boolean_dispatch."):
        function = getattr(F, f"{name}_with_indices", function)  # torch hides the signature of max_pool2d
    if inspect.isfunction(function):
        return (Signature(_of_python(function)),)
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
        yield Signature(
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


def _fit(signature: Signature, args: tuple[Any, ...], given: dict[str, Any], *, checked: bool) -> dict[str, Any] | None:
    positional = signature.positional
    if signature.gathers or len(args) > len(positional):
        args = _gather(signature, args)
        if len(args) > len(positional):
            return None
    pairs = list(zip(positional, args, strict=False))
    if checked and not all(_suits(parameter.kind, value) for parameter, value in pairs):
        return None
    bound = {parameter.name: value for parameter, value in pairs}
    if given:
        if not given.keys() <= signature.words or not given.keys().isdisjoint(bound):
            return None
        bound.update(given)
    return bound if signature.required <= bound.keys() else None


def _gather(signature: Signature, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments with the last ones made one: ``x.view(2, 3)``, ``torch.einsum(equation, x, y)``."""
    last = len(signature.positional) - 1
    if signature.gathers:
        return (*args[:last], args[last:])
    if last == 1 and signature.positional[1].kind.startswith("List["):
        return args[0], args[1:]
    return args


def _suits(kind: str, value: Any) -> bool:
    if value is None or kind in ("", _REST):
        return True
    if isinstance(value, (fx.Node, torch.Tensor)):  # a tensor, or a number that is computed
        return kind in ("Tensor", "number", "int", "float", "bool")
    if kind == "List[int]" and isinstance(value, int):  # one number for all
        return True
    if kind.startswith("List["):
        return isinstance(value, (list, tuple))
    return kind != "Tensor" and isinstance(value, _ACCEPTED.get(kind, object))

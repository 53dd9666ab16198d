"""Shapes of the arithmetic people do on weights while they build: given directly, meta kernels being slow to load.

The first addition of two meta tensors makes torch import its compiler (a second and 1,500 modules); nobody needs that
to know the result's shape.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from nnlint.script.torchnames import words

_UNARY = words(
    "abs exp log log2 log10 log1p expm1 sqrt rsqrt sin cos tan tanh sigmoid relu gelu silu softplus neg __neg__ square "
    "reciprocal sign clamp clamp_min clamp_max clip round floor ceil erf erfinv normalize softmax log_softmax cumsum "
    "flip roll tril triu nan_to_num positive __pos__ __abs__ masked_fill"
)
_BINARY = words(
    "add sub mul div true_divide multiply divide subtract pow maximum minimum fmod remainder atan2 rsub __add__ "
    "__radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ __rtruediv__ __div__ __rdiv__ __pow__ __rpow__ __mod__"
)
_CASTS = {
    "float": torch.float32,
    "double": torch.float64,
    "half": torch.float16,
    "bfloat16": torch.bfloat16,
    "int": torch.int32,
    "long": torch.int64,
    "bool": torch.bool,
}
_REDUCTIONS = words("mean sum std var norm prod max min amax amin median")


@dataclass(frozen=True, slots=True)
class _Call:
    """A call of torch's API; ``tensors`` are all its tensor arguments, those in a list included."""

    name: str
    tensors: tuple[torch.Tensor, ...]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def argument(self, place: int, name: str, default: Any = None) -> Any:
        """An argument given by place or by name."""
        return self.args[place] if len(self.args) > place else self.kwargs.get(name, default)


def shape_of(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor | None:
    """The result of a function on meta tensors; None where it is to be asked of torch."""
    rule = _RULES.get(name)
    if rule is None:
        return None
    values = [part for value in (*args, *kwargs.values()) for part in (value if isinstance(value, list) else [value])]
    tensors = tuple(value for value in values if isinstance(value, torch.Tensor))
    return rule(_Call(name, tensors, args, kwargs))


def _empty(shape: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
    return torch.empty(tuple(shape), dtype=dtype, device="meta")


def _unary(call: _Call) -> torch.Tensor | None:
    (tensor, *more) = call.tensors
    if more or not tensor.is_floating_point() or call.kwargs.get("dtype") is not None:
        return None
    return _empty(tensor.shape, tensor.dtype)


def _binary(call: _Call) -> torch.Tensor | None:
    dtype = functools.reduce(torch.promote_types, (tensor.dtype for tensor in call.tensors))
    shape = _broadcast([tensor.shape for tensor in call.tensors])
    return _empty(shape, dtype) if shape is not None and dtype.is_floating_point else None


def _broadcast(shapes: Sequence[torch.Size]) -> tuple[int, ...] | None:
    """The common shape; None where there is none, which torch is to say."""
    length = max(map(len, shapes))
    padded = [(1,) * (length - len(shape)) + tuple(shape) for shape in shapes]
    extents = [set(axis) - {1} for axis in zip(*padded, strict=True)]
    return None if any(len(axis) > 1 for axis in extents) else tuple(next(iter(axis), 1) for axis in extents)


def _cast(call: _Call) -> torch.Tensor | None:
    return _empty(call.tensors[0].shape, _CASTS[call.name])


def _reduction(call: _Call) -> torch.Tensor | None:
    """Of the whole tensor to one number; along an axis torch is asked."""
    tensor = call.tensors[0]
    return _empty((), tensor.dtype) if len(call.args) == 1 and not call.kwargs and tensor.is_floating_point() else None


def _cat(call: _Call) -> torch.Tensor | None:
    dim = call.argument(1, "dim", 0)
    if not isinstance(dim, int) or len({tensor.dim() for tensor in call.tensors}) != 1:
        return None
    shape = list(call.tensors[0].shape)
    shape[dim] = sum(tensor.shape[dim] for tensor in call.tensors)
    return _empty(shape, call.tensors[0].dtype)


def _norm_except_dim(call: _Call) -> torch.Tensor | None:
    """What weight norm starts from: ``torch.norm_except_dim(v, pow, dim)``."""
    tensor, dim = call.tensors[0], call.argument(2, "dim", 0)
    return _empty(() if dim == -1 else [n if i == dim else 1 for i, n in enumerate(tensor.shape)], tensor.dtype)


def _first(call: _Call) -> torch.Tensor | None:
    return _empty(call.tensors[0].shape, call.tensors[0].dtype)


def _product(call: _Call) -> torch.Tensor | None:
    """Matrix times matrix or vector; more axes torch is asked for."""
    left, right = call.tensors[0], call.tensors[1]
    if left.dim() != 2 or right.dim() not in (1, 2) or left.shape[1] != right.shape[0]:
        return None
    return _empty((*left.shape[:1], *right.shape[1:]), left.dtype)


def _dot(call: _Call) -> torch.Tensor | None:
    return _empty((), call.tensors[0].dtype) if all(tensor.dim() == 1 for tensor in call.tensors) else None


def _repeat(call: _Call) -> torch.Tensor | None:
    tensor, times = call.tensors[0], call.args[1:]
    if len(times) == 1 and isinstance(times[0], tuple | list | torch.Size):
        times = tuple(times[0])
    if call.kwargs or len(times) < tensor.dim() or not all(isinstance(n, int) for n in times):
        return None
    shape = (1,) * (len(times) - tensor.dim()) + tuple(tensor.shape)
    return _empty([n * m for n, m in zip(shape, times, strict=True)], tensor.dtype)


_RULES: dict[str, Callable[[_Call], torch.Tensor | None]] = {
    **dict.fromkeys(_UNARY, _unary),
    **dict.fromkeys(_BINARY, _binary),
    **dict.fromkeys(_CASTS, _cast),
    **dict.fromkeys(_REDUCTIONS, _reduction),
    **dict.fromkeys(words("mm mv matmul __matmul__"), _product),
    **dict.fromkeys(words("cat concat concatenate"), _cat),
    **dict.fromkeys(words("dot vdot inner"), _dot),
    "norm_except_dim": _norm_except_dim,
    "_weight_norm": _first,
    "repeat": _repeat,
}

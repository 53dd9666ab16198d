"""Shapes of reductions, sorting and factories on the meta device."""

# The rules have the parameters of torch's functions, those included that no shape depends on.
# ruff: noqa: ARG001

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812

from nnlint.trace import meta_elementwise  # noqa: F401 (`max` of two tensors is one of its rules)
from nnlint.trace.meta_rule import RULES, alike, axes_of, axis_of, check, empty, functions, integer, meta, rule

NUMBERS = (int, float, bool)


# -- reductions --------------------------------------------------------------------------------------------------------


def _reduced(x: torch.Tensor, dim: Any, keepdim: bool, dtype: torch.dtype) -> torch.Tensor:
    gone = axes_of(dim, x.dim())
    if keepdim:
        return empty([1 if axis in gone else size for axis, size in enumerate(x.shape)], dtype)
    return empty([size for axis, size in enumerate(x.shape) if axis not in gone], dtype)


@rule("sum", "prod", "nansum", homes=(torch, torch.Tensor))
def _sum(x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> torch.Tensor:
    return _reduced(meta(x), dim, keepdim, dtype or (torch.int64 if integer(x.dtype) else x.dtype))


@rule("mean", homes=(torch, torch.Tensor))
def _mean(x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> torch.Tensor:
    check((dtype or meta(x).dtype).is_floating_point)
    return _reduced(meta(x), dim, keepdim, dtype or x.dtype)


@rule("logsumexp", homes=(torch, torch.Tensor))
def _logsumexp(x: Any, dim: Any, keepdim: bool = False) -> torch.Tensor:
    check(meta(x).is_floating_point())
    return _reduced(x, dim, keepdim, x.dtype)


@rule("amax", "amin", homes=(torch, torch.Tensor))
def _extremes(x: Any, dim: Any = (), keepdim: bool = False) -> torch.Tensor:
    return _reduced(meta(x), dim, keepdim, x.dtype)


@rule("any", "all", homes=(torch, torch.Tensor))
def _quantified(x: Any, dim: Any = None, keepdim: bool = False) -> torch.Tensor:
    check(meta(x).dtype is not torch.uint8)
    return _reduced(x, dim, keepdim, torch.bool)


@rule("var", "std", homes=(torch, torch.Tensor))
def _spread(x: Any, dim: Any = None, *, unbiased: bool = True, correction: Any = 1, keepdim: bool = False) -> Any:
    check(meta(x).is_floating_point() and not isinstance(dim, bool))
    return _reduced(x, dim, keepdim, x.dtype)


@rule("norm", homes=(torch, torch.Tensor))
def _norm(x: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> torch.Tensor:
    check(meta(x).is_floating_point() and (p == "fro" or type(p) in (int, float)) and dtype is None)
    return _reduced(x, dim, keepdim, x.dtype)


@rule("normalize", homes=(F,))
def _normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: None = None) -> torch.Tensor:
    check(meta(input).is_floating_point() and out is None)
    axes_of(dim, input.dim())
    return alike(input)


@rule("argmax", "argmin", homes=(torch, torch.Tensor))
def _arg_extreme(x: Any, dim: Any = None, keepdim: bool = False) -> torch.Tensor:
    check(meta(x).numel() > 0 and x.dtype is not torch.bool)
    return _reduced(x if dim is not None else x.contiguous(), dim, keepdim, torch.int64)


def _best(kind: Any) -> Callable[..., Any]:
    def run(x: Any, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], torch.Tensor):
            return RULES[torch.maximum](x, *args, **kwargs)
        if not args and "dim" not in kwargs:
            check(not kwargs and meta(x).numel() > 0)
            return empty((), x.dtype)
        return along(x, *args, **kwargs)

    def along(x: Any, dim: int, keepdim: bool = False) -> Any:
        axis_of(dim, meta(x).dim())
        return kind((_reduced(x, dim, keepdim, x.dtype), _reduced(x, dim, keepdim, torch.int64)))

    return run


for _name in ("max", "min"):
    RULES.update(dict.fromkeys(functions(_name, torch, torch.Tensor), _best(getattr(torch.return_types, _name))))


@rule("topk", homes=(torch, torch.Tensor))
def _topk(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    axis = axis_of(dim, meta(x).dim())
    check(type(k) is int and x.dim() > 0 and 0 <= k <= x.shape[axis])
    shape = [k if i == axis else size for i, size in enumerate(x.shape)]
    return torch.return_types.topk((empty(shape, x.dtype), empty(shape, torch.int64)))


@rule("sort", homes=(torch, torch.Tensor))
def _sort(x: Any, dim: int = -1, descending: bool = False) -> Any:
    axis_of(dim, meta(x).dim())
    return torch.return_types.sort((alike(x), alike(x, dtype=torch.int64)))


# -- factories ---------------------------------------------------------------------------------------------------------


def _new_alike(x: Any, *, dtype: Any = None, device: Any = None, **options: Any) -> torch.Tensor:
    check(device is None or torch.device(device).type == "meta")
    check(options.keys() <= {"requires_grad", "memory_format", "layout", "pin_memory"} and not any(options.values()))
    return alike(meta(x), dtype=dtype)


@rule("zeros_like", "ones_like", homes=(torch,))
def _constant_like(x: Any, **options: Any) -> torch.Tensor:
    return _new_alike(x, **options)


@rule("rand_like", "randn_like", homes=(torch,))
def _random_like(x: Any, *, dtype: Any = None, **options: Any) -> torch.Tensor:
    check((dtype or meta(x).dtype).is_floating_point)
    return _new_alike(x, dtype=dtype, **options)


@rule("full_like", homes=(torch,))
def _full_like(x: Any, fill_value: Any, **options: Any) -> torch.Tensor:
    check(type(fill_value) in NUMBERS)
    return _new_alike(x, **options)


def _on_meta(device: Any) -> None:
    check(device is not None and torch.device(device).type == "meta")


@rule("rand", "randn", homes=(torch,))
def _random(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> torch.Tensor:
    _on_meta(device)
    shape = size[0] if len(size) == 1 and isinstance(size[0], tuple | list) else size
    check(all(type(n) is int for n in shape) and not requires_grad)
    return empty(shape, dtype or torch.get_default_dtype())


@rule("arange", homes=(torch,))
def _arange(*bounds: Any, dtype: Any = None, device: Any = None, step: Any = 1) -> torch.Tensor:
    _on_meta(device)
    start, end, step = {1: (0, *bounds, step), 2: (*bounds, step), 3: bounds}[len(bounds)]
    check(all(type(number) is int for number in (start, end, step)) and step != 0 and (end - start) * step >= 0)
    return empty((len(range(start, end, step)),), dtype or torch.int64)


@rule("linspace", homes=(torch,))
def _linspace(start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None) -> torch.Tensor:
    _on_meta(device)
    check(type(steps) is int and steps >= 0 and all(type(number) in NUMBERS for number in (start, end)))
    return empty((steps,), dtype or torch.get_default_dtype())

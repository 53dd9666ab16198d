"""Shapes of the operations that move values about on the meta device: joining, indexing, padding, copying."""

# The rules have the parameters of torch's functions, those included that no shape depends on.
# ruff: noqa: ARG001

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812

from nnlint.trace.meta_rule import (
    RULES,
    alike,
    axis_of,
    broadcast_shapes,
    check,
    empty,
    functions,
    is_channels_last,
    like,
    meta,
    overwritten,
    rule,
)


@rule("cat", "concat", "concatenate", homes=(torch,))
def _cat(tensors: Any, dim: int = 0, axis: int | None = None) -> torch.Tensor:
    parts = [meta(tensor) for tensor in tensors]
    check(len(parts) > 0 and all(part.dim() == parts[0].dim() > 0 for part in parts))
    at = axis_of(dim if axis is None else axis, parts[0].dim())
    rest = [_without(part.shape, at) for part in parts]
    check(all(shape == rest[0] for shape in rest))
    dtype = parts[0].dtype
    for part in parts[1:]:
        dtype = torch.promote_types(dtype, part.dtype)
    shape = list(parts[0].shape)
    shape[at] = sum(part.shape[at] for part in parts)
    formats = {is_channels_last(part) for part in parts}
    return like(parts[0], shape, dtype) if formats == {True} else empty(shape, dtype)


def _without(shape: Any, axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


@rule("stack", homes=(torch,))
def _stack(tensors: Any, dim: int = 0) -> torch.Tensor:
    parts = [meta(tensor) for tensor in tensors]
    check(len(parts) > 0 and all(part.shape == parts[0].shape for part in parts))
    at = axis_of(dim, parts[0].dim() + 1)
    dtype = parts[0].dtype
    for part in parts[1:]:
        dtype = torch.promote_types(dtype, part.dtype)
    shape = list(parts[0].shape)
    shape.insert(at, len(parts))
    return empty(shape, dtype)


@rule("pad", homes=(F,))
def _pad(input: Any, pad: Any, mode: str = "constant", value: Any = None) -> torch.Tensor:
    check(meta(input).dim() > 0 and len(pad) % 2 == 0 and len(pad) // 2 <= input.dim())
    check(mode in ("constant", "reflect", "replicate", "circular") and all(type(number) is int for number in pad))
    check(input.is_contiguous() and input.numel() > 0)
    if mode != "constant":
        check(value in (None, 0) and len(pad) // 2 in (input.dim() - 2, input.dim() - 1) and len(pad) <= 6)
        check(input.is_floating_point())
    shape = list(input.shape)
    for i in range(len(pad) // 2):
        left, right = pad[2 * i : 2 * i + 2]
        size = shape[-1 - i]
        limit = {"constant": math.inf, "reflect": size - 1, "replicate": math.inf, "circular": size}[mode]
        check(max(left, right) <= limit and (mode == "constant" or min(left, right) >= 0))
        shape[-1 - i] = size + left + right
        check(shape[-1 - i] > 0 and min(left, right) > -size)
    return empty(shape, input.dtype)


@rule("repeat", homes=(torch.Tensor,))
def _repeat(x: Any, *repeats: Any) -> torch.Tensor:
    counts = tuple(repeats[0]) if len(repeats) == 1 and isinstance(repeats[0], tuple | list) else repeats
    check(all(type(count) is int and count >= 0 for count in counts) and len(counts) >= meta(x).dim())
    shape = (1,) * (len(counts) - x.dim()) + tuple(x.shape)
    return empty([count * size for count, size in zip(counts, shape, strict=True)], x.dtype)


@rule("repeat_interleave", homes=(torch, torch.Tensor))
def _repeat_interleave(x: Any, repeats: int, dim: int | None = None, *, output_size: None = None) -> torch.Tensor:
    check(type(repeats) is int and repeats > 0 and dim is not None and meta(x).is_contiguous() and x.dim() > 0)
    at = axis_of(dim, x.dim())
    return empty([size * repeats if axis == at else size for axis, size in enumerate(x.shape)], x.dtype)


@rule("roll", homes=(torch, torch.Tensor))
def _roll(x: Any, shifts: Any, dims: Any = None) -> torch.Tensor:
    listed = [dims] if isinstance(dims, int) else list(dims or [])
    check(all(type(shift) is int for shift in ([shifts] if isinstance(shifts, int) else shifts)))
    check(len(listed) == (1 if isinstance(shifts, int) else len(shifts)) and meta(x).is_contiguous())
    for dim in listed:
        axis_of(dim, x.dim())
    return empty(x.shape, x.dtype)


@rule("flip", homes=(torch, torch.Tensor))
def _flip(x: Any, *dims: Any) -> torch.Tensor:
    listed = dims[0] if len(dims) == 1 and isinstance(dims[0], tuple | list) else dims
    check(len({axis_of(dim, meta(x).dim()) for dim in listed}) == len(listed))
    return alike(x)


@rule("tril", "triu", homes=(torch, torch.Tensor))
def _triangle(x: Any, diagonal: int = 0) -> torch.Tensor:
    check(meta(x).dim() >= 2 and x.is_contiguous())
    return empty(x.shape, x.dtype)


@rule("gather", homes=(torch, torch.Tensor))
def _gather(x: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> torch.Tensor:
    at = axis_of(dim, meta(x).dim())
    check(meta(index).dtype is torch.int64 and index.dim() == x.dim() > 0)
    check(all(mine <= size for axis, (mine, size) in enumerate(zip(index.shape, x.shape, strict=True)) if axis != at))
    return empty(index.shape, x.dtype)


@rule("index_select", homes=(torch, torch.Tensor))
def _index_select(x: Any, dim: int, index: Any) -> torch.Tensor:
    at = axis_of(dim, meta(x).dim())
    check(meta(index).dtype in (torch.int32, torch.int64) and index.dim() == 1 and x.dim() > 0)
    return empty([index.shape[0] if axis == at else size for axis, size in enumerate(x.shape)], x.dtype)


@rule("__getitem__", homes=(torch.Tensor,))
def _getitem(x: Any, index: Any) -> torch.Tensor:
    """Indexing by one tensor of integers, alone or before plain slices; views are torch's own business."""
    first, *rest = index if isinstance(index, tuple) else (index,)
    check(meta(first).dtype in (torch.int32, torch.int64) and all(part == slice(None) for part in rest))
    check(1 + len(rest) <= meta(x).dim() and x.is_contiguous())
    return empty((*first.shape, *x.shape[1:]), x.dtype)


@rule("one_hot", homes=(torch._C._nn, F))
def _one_hot(x: Any, num_classes: int = -1) -> torch.Tensor:
    check(meta(x).dtype is torch.int64 and type(num_classes) is int and num_classes > 0 and x.is_contiguous())
    return empty((*x.shape, num_classes), torch.int64)


@rule("glu", homes=(F, torch._C._nn))
def _glu(input: Any, dim: int = -1) -> torch.Tensor:
    at = axis_of(dim, meta(input).dim())
    check(input.is_floating_point() and input.dim() > 0 and input.shape[at] % 2 == 0 and input.is_contiguous())
    return empty([size // 2 if axis == at else size for axis, size in enumerate(input.shape)], input.dtype)


# -- devices and copies ------------------------------------------------------------------------------------------------


@rule("cpu", "cuda", homes=(torch.Tensor,))
def _moved(x: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
    """A meta tensor stays where it is: the network's other half is on no other device."""
    return meta(x)


@rule("to", homes=(torch.Tensor,))
def _to(x: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
    if "device" in kwargs:
        kwargs = {**kwargs, "device": "meta"}
    meta(x)
    moved: torch.Tensor = x.to(*[_no_device(value) for value in args], **kwargs)
    return moved


def _no_device(value: Any) -> Any:
    if isinstance(value, torch.device | str) or type(value) is int:
        return "meta"
    if isinstance(value, torch.Tensor):
        return torch.empty(0, dtype=value.dtype, device="meta")
    return value


@rule("copy_", homes=(torch.Tensor,))
def _copy(x: Any, source: Any, non_blocking: bool = False) -> torch.Tensor:
    check(broadcast_shapes(meta(x).shape, source.shape) == x.shape)
    return overwritten(x)


@rule("scatter_", "scatter_add_", "index_add_", "index_copy_", homes=(torch.Tensor,))
def _scatter(x: Any, dim: int, index: Any, source: Any) -> torch.Tensor:
    axis_of(dim, meta(x).dim())
    check(meta(index).dtype is torch.int64 and (type(source) in (int, float) or meta(source).dtype == x.dtype))
    check(type(source) in (int, float) or source.dim() == x.dim())
    return overwritten(x)


def _dtyped(dtype: torch.dtype) -> Callable[..., torch.Tensor]:
    return lambda x: meta(x).to(dtype)


for _name in ("float", "half", "double", "long", "int", "bool", "bfloat16"):
    RULES.update(
        dict.fromkeys(functions(_name, torch.Tensor), _dtyped(getattr(torch, _name if _name != "int" else "int32")))
    )

"""What the shape rules of the meta device have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch.nn import functional as F  # noqa: N812

T = TypeVar("T", bound=Callable[..., Any])
Shape = Sequence[int]

#: a function → what gives its result
RULES: dict[Callable[..., Any], Callable[..., Any]] = {}

_HOMES = (torch, torch.Tensor, F, torch._C._nn)


class Unfit(Exception):  # noqa: N818 (it says nothing is wrong, only that torch must be asked)
    """A rule does not cover these arguments."""


def check(condition: bool) -> None:
    """Leave it to torch unless the condition holds."""
    if not condition:
        raise Unfit


def functions(name: str, *homes: Any) -> list[Callable[..., Any]]:
    """The functions of a name in torch, `torch.Tensor`, `torch.nn.functional` (or the given places)."""
    found = [getattr(home, name, None) for home in homes or _HOMES]
    return [function for function in found if function is not None and not isinstance(function, property)]


def rule(*names: str, homes: tuple[Any, ...] = ()) -> Callable[[T], T]:
    """Make a function the rule for all torch functions of these names."""

    def register(given: T) -> T:
        for name in names:
            for function in functions(name, *homes):
                RULES[function] = given
        return given

    return register


def meta(tensor: Any) -> torch.Tensor:
    """A plain dense meta tensor, or leave it to torch."""
    check(
        isinstance(tensor, torch.Tensor)
        and type(tensor) in (torch.Tensor, torch.nn.Parameter)
        and tensor.device.type == "meta"
        and tensor.layout is torch.strided
    )
    return tensor  # type: ignore[no-any-return]


def empty(shape: Shape, dtype: torch.dtype) -> torch.Tensor:
    """A contiguous meta tensor."""
    return torch.empty(tuple(shape), dtype=dtype, device="meta")


def like(tensor: torch.Tensor, shape: Shape, dtype: torch.dtype | None = None) -> torch.Tensor:
    """A tensor of a new shape in the memory format of an image: channels last where the given one is."""
    dtype = dtype or tensor.dtype
    if len(shape) == tensor.dim() and is_channels_last(tensor):
        return empty((shape[0], *shape[2:], shape[1]), dtype).movedim(-1, 1)
    return empty(shape, dtype)


def broadcast_shapes(*shapes: Shape) -> tuple[int, ...]:
    """The shape these are stretched to (`torch.broadcast_shapes` is a slow import); unfit if there is none."""
    made = [1] * max([len(shape) for shape in shapes])
    for shape in shapes:
        for back, size in enumerate(reversed(shape), 1):
            if size != 1:
                check(made[len(made) - back] in (1, size))
                made[len(made) - back] = size
    return tuple(made)


def is_channels_last(tensor: torch.Tensor) -> bool:
    """Whether a batch of images or volumes has its channels last in memory."""
    if tensor.is_contiguous() or tensor.dim() not in (4, 5):
        return False
    return tensor.is_contiguous(memory_format=torch.channels_last if tensor.dim() == 4 else torch.channels_last_3d)


def alike(tensor: torch.Tensor, dtype: torch.dtype | None = None) -> torch.Tensor:
    """A tensor of the same shape whose axes lie in memory in the same order (`torch.empty_like` is a slow import)."""
    dtype = dtype or tensor.dtype
    if tensor.is_contiguous():
        return empty(tensor.shape, dtype)
    strides = tensor.stride()
    order = sorted(range(tensor.dim()), key=lambda axis: (-strides[axis], axis))
    made = empty([tensor.shape[axis] for axis in order], dtype)
    return made.permute([order.index(axis) for axis in range(tensor.dim())])


def overwritten(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor, marked as overwritten like an operation in place marks it."""
    if not tensor.is_inference():
        torch.autograd.graph.increment_version(tensor)
    return tensor


def axis_of(dim: Any, count: int) -> int:
    """A non-negative axis, or leave it to torch."""
    check(type(dim) is int and -max(count, 1) <= dim < max(count, 1))
    return int(dim % max(count, 1))


def axes_of(dim: Any, count: int) -> tuple[int, ...]:
    """Non-negative axes; None is all of them."""
    if dim is None or (isinstance(dim, tuple | list) and not dim):
        return tuple(range(count))
    axes = tuple(axis_of(axis, count) for axis in (dim if isinstance(dim, tuple | list) else (dim,)))
    check(len(set(axes)) == len(axes))
    return axes


def spread(value: Any, count: int) -> tuple[int, ...]:
    """One number for every axis."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,) * count
    values = tuple(value)
    if len(values) == 1:
        values *= count
    check(len(values) == count and all(type(number) is int for number in values))
    return values


def integer(dtype: torch.dtype) -> bool:
    """Whether a dtype holds whole numbers (or booleans)."""
    return not dtype.is_floating_point and not dtype.is_complex


def floating(*tensors: Any) -> None:
    """All given tensors are of one floating dtype."""
    dtypes = {meta(tensor).dtype for tensor in tensors if tensor is not None}
    check(len(dtypes) == 1 and all(dtype.is_floating_point for dtype in dtypes))


def slid(size: int, kernel: int, stride: int, padded: int, dilation: int) -> int:
    """How often a window fits in along an axis; ``padded`` counts both sides."""
    check(stride > 0 and padded >= 0 and dilation > 0)
    made = (size + padded - dilation * (kernel - 1) - 1) // stride + 1
    check(made > 0)
    return made

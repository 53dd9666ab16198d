"""Tensors that the source makes itself: their shapes and dtypes, where it states them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nnlint.script.inputs import DTYPES
from nnlint.script.values import Dotted, Known, Sequence, Tensor, Value

#: functions of torch that make a tensor of a given shape → the dtype they make by default
_MAKERS = {
    "torch.randn": "float32",
    "torch.rand": "float32",
    "torch.zeros": "float32",
    "torch.ones": "float32",
    "torch.empty": "float32",
    "torch.FloatTensor": "float32",
    "torch.Tensor": "float32",
    "torch.LongTensor": "int64",
    "torch.cuda.FloatTensor": "float32",
    "torch.DoubleTensor": "float64",
}
_LIKE = frozenset({"torch.randn_like", "torch.rand_like", "torch.zeros_like", "torch.ones_like", "torch.empty_like"})
_UNCHANGED = frozenset({"to", "cuda", "cpu", "requires_grad_", "contiguous", "clone", "detach", "pin_memory", "type"})
_CASTS = {"float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32", "bool": "bool"}


def integers(values: list[Value]) -> tuple[int, ...] | None:
    """The integers among arguments, given one by one or as one tuple; None where any is not known."""
    if len(values) == 1 and isinstance(values[0], Sequence):
        if values[0].open:
            return None
        values = list(values[0].items)
    sizes = [value.value for value in values if isinstance(value, Known)]
    whole = len(sizes) == len(values) and all(type(size) is int and size >= 0 for size in sizes)
    return tuple(sizes) if whole and sizes else None


def dtype_of(value: Value | None) -> str | None:
    """``torch.long`` → ``int64``; None for what is no dtype."""
    if isinstance(value, Dotted) and value.path.startswith("torch."):
        return DTYPES.get(value.path.removeprefix("torch."))
    return None


def made(path: str, args: list[Value], kwargs: dict[str, Value]) -> Tensor | None:
    """The tensor that a call of a function of torch makes; None for any other function."""
    asked = dtype_of(kwargs.get("dtype"))
    if path in _MAKERS:
        sizes = [kwargs["size"]] if "size" in kwargs else args
        return Tensor(integers(sizes), asked or _MAKERS[path])
    if path in _LIKE:
        like = args[0] if args else None
        return (
            replace(like, dtype=asked or like.dtype) if isinstance(like, Tensor) else Tensor(None, asked or "float32")
        )
    if path == "torch.randint":
        return _randint(args, kwargs, asked)
    if path == "torch.full":
        sizes = [kwargs["size"]] if "size" in kwargs else args[:1]
        return Tensor(integers(sizes), asked or "float32")
    if path in {"torch.arange", "torch.linspace", "torch.eye", "torch.tensor", "torch.as_tensor", "torch.from_numpy"}:
        return Tensor(None, asked or "float32")
    return None


def _randint(args: list[Value], kwargs: dict[str, Value], asked: str | None) -> Tensor:
    size = kwargs.get("size")
    if size is None and args and isinstance(args[-1], Sequence):
        *args, size = args
    bound = kwargs.get("high") or (args[-1] if args else None)
    high = bound.value if isinstance(bound, Known) and type(bound.value) is int and bound.value > 0 else None
    return Tensor(integers([size]) if size is not None else None, asked or "int64", high)


def after_method(tensor: Tensor, name: str, args: list[Value], kwargs: dict[str, Value]) -> Tensor:
    """The tensor after one of its methods."""
    if name in _UNCHANGED:
        dtype = dtype_of(kwargs.get("dtype")) or next((found for arg in args if (found := dtype_of(arg))), None)
        return replace(tensor, dtype=dtype or tensor.dtype)
    if name in _CASTS:
        return replace(tensor, dtype=_CASTS[name])
    change = _SHAPES.get(name)
    shape = change(tensor.shape, args) if change and tensor.shape is not None else None
    return replace(tensor, shape=shape)


def _unsqueeze(shape: tuple[int, ...], args: list[Value]) -> tuple[int, ...] | None:
    position = integers(args[:1])
    if position is None or position[0] > len(shape):
        return None
    return (*shape[: position[0]], 1, *shape[position[0] :])


def _view(shape: tuple[int, ...], args: list[Value]) -> tuple[int, ...] | None:
    del shape
    return integers(args)


def _permute(shape: tuple[int, ...], args: list[Value]) -> tuple[int, ...] | None:
    order = integers(args)
    return tuple(shape[axis] for axis in order) if order and sorted(order) == list(range(len(shape))) else None


_SHAPES: dict[str, Callable[[tuple[int, ...], list[Value]], tuple[int, ...] | None]] = {
    "unsqueeze": _unsqueeze,
    "view": _view,
    "reshape": _view,
    "permute": _permute,
    "expand": _view,
}

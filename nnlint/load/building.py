"""Construction without weights: large parameters on the meta device, small tensors with their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

from nnlint.load.shapes import shape_of
from nnlint.script.torchnames import words

#: a factory's tensor with at most this many elements keeps its numbers, within a total budget of bytes
SMALL = 1 << 20
BUDGET = 64 << 20

#: factories whose numbers are worth having, and those that leave memory as it is
_VALUED = words(
    "zeros ones full rand randn randint randperm arange linspace logspace eye tensor as_tensor scalar_tensor "
    "from_numpy normal bartlett_window blackman_window hamming_window hann_window kaiser_window tril_indices "
    "triu_indices complex polar asarray range zeros_like ones_like rand_like randn_like full_like"
)
_UNFILLED = words("empty empty_strided empty_like")


class Building(TorchFunctionMode):
    """Decides of every tensor made while a network is built where it lives."""

    def __init__(self) -> None:
        super().__init__()
        self.left = BUDGET

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Answer one call of torch's API."""
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if isinstance(kwargs.get("out"), torch.Tensor) and kwargs["out"].is_meta:
            return kwargs["out"]
        if name in _VALUED or name in _UNFILLED:
            return self._make(name, func, args, kwargs)
        if name == "to" or name in ("cuda", "cpu", "xpu", "mps"):
            return _move(name, func, args, kwargs)
        if _alters(name):  # nn.init hands its tensor over by name
            altered = args[0] if args else kwargs.get("tensor")
            if isinstance(altered, torch.Tensor) and _any_meta((altered, *args), kwargs):
                return altered
        if _any_meta(args, kwargs):
            args, kwargs = tree_map(_to_meta, (args, kwargs))
            known = shape_of(name, args, kwargs)
            if known is not None:
                return known
        return func(*args, **kwargs)

    def _make(self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if "device" in kwargs:
            wanted = torch.device(kwargs["device"]) if kwargs["device"] is not None else None
            kwargs["device"] = "meta" if wanted is not None and wanted.type == "meta" else None
        if name in _UNFILLED and kwargs.get("device") is None:
            return func(*args, **{**kwargs, "device": "meta"})
        if _size(args, kwargs) > SMALL and name not in ("from_numpy", "as_tensor", "tensor", "asarray"):
            make = torch.empty if name in ("rand", "randn") else func  # the same shape, and quick on meta
            return make(*args, **{**kwargs, "device": "meta"})
        result = func(*args, **kwargs)
        if isinstance(result, torch.Tensor) and not result.is_meta:
            self.left -= result.nbytes
            if self.left < 0:
                return result.to("meta")
        return result


class OnCPU(TorchFunctionMode):
    """Tensors are made, and stay, on the CPU, whatever device the code names; with their numbers."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Answer one call of torch's API."""
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if args and isinstance(args[0], torch.Tensor) and (name == "to" or name in ("cuda", "cpu", "xpu", "mps")):
            return _move(name, func, args, kwargs)
        if kwargs.get("device") is not None and torch.device(kwargs["device"]).type not in ("cpu", "meta"):
            kwargs["device"] = "cpu"
        return func(*args, **kwargs)


def _size(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """The number of elements a factory was asked for, as far as its arguments tell."""
    size = kwargs.get("size", args)
    if isinstance(size, tuple) and len(size) and isinstance(size[0], tuple | list | torch.Size):
        size = size[0]
    n = 1
    for extent in size if isinstance(size, tuple | list) else (size,):
        if isinstance(extent, torch.Tensor):
            n *= extent.numel()
        elif isinstance(extent, int):
            n *= max(extent, 1)
    return n


def _alters(name: str) -> bool:
    return (name.endswith("_") and not name.endswith("__") and name not in _STRUCTURAL) or name == "__setitem__"


#: methods with an underscore that change more than numbers
_STRUCTURAL = words(
    "requires_grad_ detach_ resize_ resize_as_ squeeze_ unsqueeze_ t_ transpose_ swapaxes_ swapdims_ set_ rename_ "
    "retain_grad_ share_memory_ as_strided_"
)


def _move(name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A tensor stays where it is; its dtype moves."""
    tensor = args[0]
    if name != "to":
        return tensor
    rest = [a for a in args[1:] if isinstance(a, torch.dtype | torch.Tensor)]
    dtype = kwargs.get("dtype") or next((a if isinstance(a, torch.dtype) else a.dtype for a in rest), None)
    if dtype is None or dtype == tensor.dtype:
        return tensor
    return torch.empty_like(tensor, dtype=dtype) if tensor.is_meta else func(tensor, dtype=dtype)


def _any_meta(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    for value in (*args, *kwargs.values()):
        if isinstance(value, torch.Tensor):
            if value.is_meta:
                return True
        elif isinstance(value, tuple | list) and any(isinstance(v, torch.Tensor) and v.is_meta for v in value):
            return True
    return False


def _to_meta(value: Any) -> Any:
    return value.to("meta") if isinstance(value, torch.Tensor) and not value.is_meta and value.dim() else value


@contextmanager
def building() -> Iterator[None]:
    """While this is open, networks are built without memory for their weights."""
    with Building():
        yield


def to_meta(root: nn.Module) -> None:
    """Move every parameter and buffer of a tree to the meta device; tied ones stay tied."""
    moved: dict[int, torch.Tensor] = {}
    for module in root.modules():
        for table in (module._parameters, module._buffers):
            for name, tensor in list(table.items()):
                if tensor is not None and not tensor.is_meta:
                    if id(tensor) not in moved:
                        moved[id(tensor)] = _meta_copy(tensor)
                    table[name] = moved[id(tensor)]  # type: ignore[assignment]


def _meta_copy(tensor: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        copy = (
            torch.empty_like(tensor, device="meta") if not isinstance(tensor, nn.Parameter) else tensor.data.to("meta")
        )
    if isinstance(tensor, nn.Parameter):
        copy = nn.Parameter(copy, requires_grad=tensor.requires_grad)
    copy.__dict__.update(tensor.__dict__)
    return copy

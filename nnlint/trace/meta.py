"""The meta device without torch's own shape kernels.

The first shape kernel that torch runs on a meta tensor imports sympy, ``torch._refs`` and, for most of them, all of
``torch._dynamo``: up to a second, more than the whole check takes. For the usual operations the shape of the result
is written down here; what is not (or does not fit, so that torch must complain) goes to torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

from nnlint.trace import meta_elementwise, meta_images, meta_layers, meta_reductions, meta_shapes
from nnlint.trace.meta_rule import RULES, Unfit

__all__ = ["RULES", "beside", "result_of"]

_MODULES = (meta_elementwise, meta_images, meta_layers, meta_reductions, meta_shapes)  # importing them fills the table

#: functions that need the numbers of their tensors on the CPU
_KEEPS_CPU = frozenset({torch._C._VariableFunctions._pack_padded_sequence})
_MISFITS = (Unfit, TypeError, ValueError, IndexError, KeyError, AttributeError, RuntimeError, ZeroDivisionError)


def result_of(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result of a function on meta tensors by a rule of ours; None where there is no rule, or it does not fit."""
    rule = RULES.get(func)
    if rule is None:
        return None
    try:
        return rule(*args, **kwargs)
    except _MISFITS:  # the real function says what is wrong
        return None


def _mixes(tensors: Iterable[torch.Tensor]) -> bool:
    """Whether tensors with values that are more than a number stand beside meta tensors."""
    meta = real = False
    for tensor in tensors:
        if tensor.device.type == "meta":
            meta = True
        elif tensor.dim():
            real = True
    return meta and real


def _to_meta(func: Callable[..., Any], value: Any) -> Any:
    """An argument in which every tensor is on the meta device, as constants made on the CPU are at hand there too."""
    if isinstance(value, torch.Tensor):
        if value.device.type == "meta" or func in _KEEPS_CPU:
            return value
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
    if type(value) in (list, tuple):
        return type(value)([_to_meta(func, item) for item in value])
    if type(value) is dict:
        return {key: _to_meta(func, item) for key, item in value.items()}
    return value


def beside(
    thing: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], tensors: list[torch.Tensor]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call on the meta device, constants from the CPU brought there."""
    if not _mixes(tensors):
        return args, kwargs
    return _to_meta(thing, args), _to_meta(thing, kwargs)

"""What the recorder notes of a tensor."""

from __future__ import annotations

from typing import Any

import torch

from nnlint.graph import Value
from nnlint.trace.keep import storage_of


def value_of(tensor: torch.Tensor) -> Value:
    """What a rule may know of a tensor."""
    if tensor.is_nested:  # its rows have different lengths: it has no one shape
        return Value((), str(tensor.dtype)[6:], 0, None)
    return Value(tuple(tensor.shape), str(tensor.dtype)[6:], tensor.numel() * tensor.element_size(), storage_of(tensor))


def version_of(tensor: torch.Tensor) -> int | None:
    """How often a tensor was overwritten; None where torch does not count (inference mode)."""
    return None if tensor.is_inference() else tensor._version


def has_tensor(result: Any) -> bool:
    """Whether a result is a tensor, or a tuple, list or dict with one in it."""
    if isinstance(result, torch.Tensor):
        return True
    if isinstance(result, tuple | list):
        return any(has_tensor(item) for item in result)
    if isinstance(result, dict):
        return any(has_tensor(item) for item in result.values())
    return False

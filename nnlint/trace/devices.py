"""Networks written for a GPU, run on a machine without one: every device they ask for is the one they are on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

_ABSENT = "cuda"


def run_at_hand(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], device: str) -> Any:
    """The result of a function; where it wants a CUDA device and there is none, on ``device`` instead.

    Raises:
        Exception: whatever the function raises.
    """
    try:
        return func(*args, **kwargs)
    except (AssertionError, RuntimeError):  # what torch raises depends on how it was built
        if torch.cuda.is_available() or not _wants_absent(func, args, kwargs):
            raise
    if func is torch.Tensor.cuda:
        return args[0]
    replaced = {name: _at_hand(value, device) for name, value in kwargs.items()}
    return func(*[_at_hand(value, device) for value in args], **replaced)


def _wants_absent(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return func is torch.Tensor.cuda or any(map(_is_absent, (*args, *kwargs.values())))


def _at_hand(value: Any, device: str) -> Any:
    return device if _is_absent(value) else value


def _is_absent(value: Any) -> bool:
    if isinstance(value, torch.device):
        return value.type == _ABSENT
    return isinstance(value, str) and value.partition(":")[0] == _ABSENT

"""Autocast and gradient modes that change in the middle of a forward pass, written down where they change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import fx
from torch.amp.autocast_mode import _enter_autocast, _exit_autocast

_DEVICES = ("cpu", "cuda")
_State = tuple[bool, torch.dtype | None]


class Regions:
    """Follows the modes and emits what brings a later run into the same ones.

    Args:
        emit: writes a node that calls a function with these arguments, and returns it.
    """

    def __init__(self, emit: Callable[..., fx.Node]) -> None:
        self._emit = emit
        self._first_grad = self._grad = torch.is_grad_enabled()
        self._now = tuple(map(_autocast, _DEVICES))
        #: for each device the regions that are open: the state before, and the node that opened it
        self._open: tuple[list[tuple[_State, fx.Node]], ...] = tuple([] for _ in _DEVICES)

    def follow(self) -> None:
        """Emit what changed since the last operation."""
        grad = torch.is_grad_enabled()
        if grad != self._grad:
            self._set_grad(grad)
        now = tuple(map(_autocast, _DEVICES))
        if now != self._now:
            for device, opened, before, after in zip(_DEVICES, self._open, self._now, now, strict=True):
                if before != after:
                    self._change(device, opened, before, after)
            self._now = now

    def close(self) -> None:
        """Leave every region that is still open: the modes are as they were at the start."""
        for opened in self._open:
            while opened:
                self._emit(_exit_autocast, opened.pop()[1])
        if self._grad != self._first_grad:
            self._set_grad(self._first_grad)

    def _set_grad(self, enabled: bool) -> None:
        self._grad = enabled
        self._emit(torch._C._set_grad_enabled, enabled)

    def _change(self, device: str, opened: list[tuple[_State, fx.Node]], before: _State, after: _State) -> None:
        if any(outer == after for outer, _ in opened):
            state: Any = None
            while state != after:
                state, node = opened.pop()
                self._emit(_exit_autocast, node)
            return
        enabled, dtype = after
        node = self._emit(_enter_autocast, device, dtype, enabled, torch.is_autocast_cache_enabled())
        opened.append((before, node))


def _autocast(device: str) -> _State:
    enabled = torch.is_autocast_enabled(device)
    return enabled, torch.get_autocast_dtype(device) if enabled else None

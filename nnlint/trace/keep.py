"""Leaving no trace: what a forward pass may change in a model, remembered before and put back after."""

from __future__ import annotations

import random
import sys
from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

#: containers a module's attribute may be, whose contents are remembered too
_CONTAINERS = (list, dict, set, deque, OrderedDict)


class Keeper:
    """The state of a model, of the random generators, and of every tensor that is written to in between.

    Buffers are copied at once (batch norm writes them without being asked), parameters and other tensors only when
    `before_write` says that they are about to be overwritten. On the meta device there are no values to keep.

    Args:
        root: the model.
        modules: every module of it, those that are not registered included.
    """

    def __init__(self, root: nn.Module, modules: Iterable[nn.Module]) -> None:
        # a lazy module gets its shape and its class in the pass; what is recorded is a copy, which keeps them
        kept = [module for module in modules if not _is_lazy(module)]
        self._attributes = [(module, dict(module.__dict__), _contents(module)) for module in kept]
        self._random = _RandomState(root)
        self._foreign: dict[int, list[torch.Tensor]] = {}
        self._saved: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._flags: list[tuple[torch.Tensor, bool, torch.Tensor | None]] = []
        for module, _, _ in self._attributes:
            for buffer in module._buffers.values():
                if buffer is not None:
                    self.watch(buffer)
                    self._save(buffer)
            for parameter in module._parameters.values():
                if parameter is not None:
                    self.watch(parameter)
                    self._flags.append((parameter, parameter.requires_grad, parameter.grad))

    def watch(self, tensor: torch.Tensor) -> None:
        """Have a tensor's values put back if they are written to."""
        storage = storage_of(tensor)
        if storage is not None and tensor.device.type != "meta":
            self._foreign.setdefault(storage, []).append(tensor)

    def before_write(self, tensor: torch.Tensor) -> None:
        """Remember what shares a tensor's memory before it is overwritten."""
        for watched in self._foreign.get(storage_of(tensor) or 0, ()):
            self._save(watched)

    def before_gradients(self) -> None:
        """Remember the gradients before a backward pass adds to them."""
        for parameter, _, gradient in self._flags:
            if gradient is not None:
                self._save(gradient)
            del parameter

    def restore(self) -> None:
        """Put everything back."""
        for module, attributes, contents in self._attributes:
            for container, items in contents:
                _refill(container, items)
            if module.__dict__.keys() != attributes.keys() or any(
                module.__dict__[name] is not value for name, value in attributes.items()
            ):
                module.__dict__.clear()
                module.__dict__.update(attributes)
        with torch.no_grad():
            for tensor, values in self._saved.values():
                tensor.data.copy_(values)
        for parameter, required, gradient in self._flags:
            if parameter.requires_grad != required:
                parameter.requires_grad_(required)
            if parameter.grad is not gradient:
                parameter.grad = gradient
        self._random.restore()

    def _save(self, tensor: torch.Tensor) -> None:
        if id(tensor) not in self._saved and tensor.device.type != "meta" and not nn.parameter.is_lazy(tensor):
            self._saved[id(tensor)] = (tensor, tensor.detach().clone())


def storage_of(tensor: torch.Tensor) -> int | None:
    """What identifies the memory a tensor lives in; None for a tensor that has none (sparse, nested, batched)."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (RuntimeError, NotImplementedError, ValueError):
        return None


def _is_lazy(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.lazy.LazyModuleMixin) and module.has_uninitialized_params()


def _contents(module: nn.Module) -> list[tuple[Any, Any]]:
    return [
        (value, dict(value) if isinstance(value, dict) else list(value))
        for value in module.__dict__.values()
        if type(value) in _CONTAINERS and value is not None
    ]


def _refill(container: Any, items: Any) -> None:
    if isinstance(container, dict):
        if len(container) == len(items) and all(
            mine is theirs and container[mine] is items[theirs] for mine, theirs in zip(container, items, strict=True)
        ):
            return
        container.clear()
        container.update(items)
    elif isinstance(container, list):
        if len(container) != len(items) or any(a is not b for a, b in zip(container, items, strict=True)):
            container[:] = items
    else:
        if len(container) == len(items) and all(a is b for a, b in zip(container, items, strict=True)):
            return
        container.clear()
        (container.update if isinstance(container, set) else container.extend)(items)


class _RandomState:
    """The random generators of Python, numpy (if it is in use) and torch, on the devices in use."""

    def __init__(self, root: nn.Module) -> None:
        self._python = random.getstate()
        self._torch = torch.get_rng_state()
        self._cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
        self._mps = torch.mps.get_rng_state() if any(p.device.type == "mps" for p in root.parameters()) else None
        self._numpy = sys.modules.get("numpy")
        self._numpy_state = self._numpy.random.get_state() if self._numpy is not None else None

    def restore(self) -> None:
        random.setstate(self._python)
        torch.set_rng_state(self._torch)
        if self._cuda is not None:
            torch.cuda.set_rng_state_all(self._cuda)
        if self._mps is not None:
            torch.mps.set_rng_state(self._mps)
        if self._numpy is not None:
            self._numpy.random.set_state(self._numpy_state)

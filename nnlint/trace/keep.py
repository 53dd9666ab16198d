"""Leaving no trace: what a forward pass may change in a model, remembered before and put back after."""

from __future__ import annotations

import random
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import nn

#: containers a module's attribute may be, whose contents are remembered too
_CONTAINERS = frozenset({list, dict, set, deque, OrderedDict})
#: random generators a module may hold, and how their state is read and set
_GENERATORS: dict[type, tuple[str, str]] = {
    torch.Generator: ("get_state", "set_state"),
    random.Random: ("getstate", "setstate"),
}


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
        self._attributes = [(module, dict(module.__dict__)) for module in kept]
        self._held = _Held(module.__dict__ for module in kept)
        self._random = _RandomState(root)
        self._foreign: dict[int, list[torch.Tensor]] = {}
        #: the tensor, its values, and whether they were computed from others
        self._saved: dict[int, tuple[torch.Tensor, torch.Tensor, bool]] = {}
        self._flags: list[tuple[torch.Tensor, bool, torch.Tensor | None]] = []
        for module, _ in self._attributes:
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

    def added(self) -> Iterator[Any]:
        """What the modules hold now and did not hold before: new attributes, and new items of their containers."""
        for module, attributes in self._attributes:
            for name, value in module.__dict__.items():
                if attributes.get(name) is not value:
                    yield value
        yield from self._held.added()

    def restore(self) -> None:
        """Put everything back."""
        self._held.restore()
        for module, attributes in self._attributes:
            if module.__dict__.keys() != attributes.keys() or any(
                module.__dict__[name] is not value for name, value in attributes.items()
            ):
                module.__dict__.clear()
                module.__dict__.update(attributes)
        with torch.no_grad():
            for tensor, values, computed in self._saved.values():
                tensor.data.copy_(values)
                if tensor.grad_fn is not None and not computed and not tensor._is_view():
                    tensor.detach_()  # a buffer that gradients flowed into: `self.mean.add_(x.mean())`
        for parameter, required, gradient in self._flags:
            if parameter.requires_grad != required:
                parameter.requires_grad_(required)
            if parameter.grad is not gradient:
                parameter.grad = gradient
        self._random.restore()

    def _save(self, tensor: torch.Tensor) -> None:
        if id(tensor) not in self._saved and tensor.device.type != "meta" and not nn.parameter.is_lazy(tensor):
            self._saved[id(tensor)] = (tensor, tensor.detach().clone(), tensor.grad_fn is not None)


def storage_of(tensor: torch.Tensor) -> int | None:
    """What identifies the memory a tensor lives in; None for a tensor that has none (sparse, nested, batched)."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (RuntimeError, NotImplementedError, ValueError):
        return None


def _is_lazy(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.lazy.LazyModuleMixin) and module.has_uninitialized_params()


class _Held:
    """What the modules' attributes hold, containers inside containers included: their items, and random generators."""

    def __init__(self, attributes: Iterable[dict[str, Any]]) -> None:
        self._containers: list[tuple[Any, Any]] = []
        self._generators: list[tuple[Callable[[Any], object], Any]] = []
        seen: set[int] = set()
        queue: list[Any] = [list(held.values()) for held in attributes]  # lists of its own: nothing to put back there
        own = len(queue)
        for place, container in enumerate(queue):  # grows while it is walked
            items = dict(container) if isinstance(container, dict) else list(container)
            if place >= own:
                self._containers.append((container, items))
            for item in items.values() if isinstance(items, dict) else items:
                kind = type(item)
                if kind in _CONTAINERS and id(item) not in seen:
                    seen.add(id(item))
                    queue.append(item)
                elif kind in _GENERATORS and id(item) not in seen:
                    seen.add(id(item))
                    get, put = _GENERATORS[kind]
                    self._generators.append((getattr(item, put), getattr(item, get)()))

    def added(self) -> Iterator[Any]:
        for container, items in self._containers:
            before = {id(item) for item in (items.values() if isinstance(items, dict) else items)}
            for item in container.values() if isinstance(container, dict) else container:
                if id(item) not in before:
                    yield item

    def restore(self) -> None:
        for container, items in self._containers:
            _refill(container, items)
        for put, state in self._generators:
            put(state)


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

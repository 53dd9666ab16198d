"""A record of the calls of a step: which of them made a number that is none, and of what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils._pytree import tree_leaves


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One call of a torch function, operator or method of a tensor, and a tensor it made.

    Attributes:
        number: of the call, in the order of execution.
        name: of the function.
        module: whose forward pass calls it, ``path`` its name; None outside of the network.
        times: how often that module had been used, this time counted.
        in_loss: whether the loss called it.
        holds: ``NaN``, ``infinite numbers`` or both, if what it made does; otherwise empty.
        sources: what it was given that was not finite: the calls that made it, or tensors nobody made.
        given: all tensors it was given; ``made`` the one it made.
    """

    number: int
    name: str
    module: nn.Module | None
    path: str
    times: int
    in_loss: bool
    holds: str
    sources: tuple[Call | Tensor, ...]
    given: tuple[Tensor, ...]
    made: Tensor


@dataclass
class _Use:
    module: nn.Module
    path: str
    times: int = 0


class Provenance(TorchFunctionMode):
    """Watches every call while it is entered, and follows what is not finite.

    It sees what the author of a network wrote (``torch.log``, ``F.conv2d``, ``x / y``), not what those call inside.

    Args:
        net: whose modules are told apart.
        ignored: tensors that are given to calls but not read by them.
    """

    def __init__(self, net: nn.Module, ignored: Iterable[Tensor] = ()) -> None:
        super().__init__()
        self.in_loss = False
        self._uses = [_Use(module, path) for path, module in net.named_modules()]
        self._ignored = list(ignored)
        self._stack: list[_Use] = []
        self._calls: list[Call] = []  # they hold their tensors, so that no other tensor gets the identity of one
        self._maker: dict[int, Call] = {}
        self._arrived: list[Call] = []
        self._handles: list[Any] = []

    def __enter__(self) -> Provenance:
        for use in self._uses:
            self._handles += [
                use.module.register_forward_pre_hook(self._entering(use), prepend=True),
                use.module.register_forward_hook(self._leaving, always_call=True),
            ]
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)  # type: ignore[no-untyped-call]
        for handle in self._handles:
            handle.remove()

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        given = tuple(tensor for tensor in _tensors((args, kwargs)) if not any(tensor is i for i in self._ignored))
        # asked before the call: one in place overwrites what it was given
        sources = tuple(self._maker.get(id(tensor), tensor) for tensor in given if not finite(tensor))
        output = func(*args, **kwargs)
        name = _name(func)
        for made in _tensors(args[0] if name == "setitem" else output):
            holds = contents(made)
            if holds or made.grad_fn is not None:
                self._record(name, holds, sources, given, made)
        return output

    def origin(self, began: Call | Tensor, kind: str = "") -> Call | Tensor:
        """The first call on the way to a tensor or call that made what is not finite; a tensor if no call did.

        Args:
            kind: follow only this (``NaN``); otherwise all that is not finite.
        """
        here = self._maker.get(id(began), began) if isinstance(began, Tensor) else began
        while isinstance(here, Call):
            earlier = [source for source in here.sources if kind in _holds(source)]
            if not earlier:
                break
            here = min(earlier, key=lambda source: source.number if isinstance(source, Call) else -1)
        return here

    def first_in_backward(self) -> Call | None:
        """The call whose backward pass made the first gradient that is not finite, once there was one."""
        return self.reader(self._arrived[0].made) if self._arrived else None

    def reader(self, tensor: Tensor) -> Call | None:
        """The last call that was given a tensor."""
        readers = (call for call in reversed(self._calls) if call.made is not tensor)
        return next((call for call in readers if any(given is tensor for given in call.given)), None)

    def _record(
        self, name: str, holds: str, sources: tuple[Call | Tensor, ...], given: tuple[Tensor, ...], made: Tensor
    ) -> None:
        use = self._stack[-1] if self._stack else None
        module, path, times = (use.module, use.path, use.times) if use else (None, "", 0)
        call = Call(len(self._calls), name, module, path, times, self.in_loss, holds, sources, given, made)
        self._calls.append(call)
        if holds:
            self._maker[id(made)] = call
        else:
            self._maker.pop(id(made), None)
        if made.grad_fn is not None:
            made.register_hook(self._arriving(call))

    def _entering(self, use: _Use) -> Callable[[nn.Module, Any], None]:
        def enter(_module: nn.Module, _inputs: Any) -> None:
            use.times += 1
            self._stack.append(use)

        return enter

    def _leaving(self, _module: nn.Module, _inputs: Any, _output: Any) -> None:
        self._stack.pop()

    def _arriving(self, call: Call) -> Callable[[Tensor], None]:
        def arrive(gradient: Tensor) -> None:
            if not finite(gradient):
                self._arrived.append(call)

        return arrive


def finite(tensor: Tensor) -> bool:
    """Whether a tensor holds numbers alone: no NaN, no infinities."""
    return bool(torch.isfinite(_values(tensor)).all())


def contents(tensor: Tensor) -> str:
    """``NaN``, ``infinite numbers`` or both; empty for a tensor of numbers."""
    if finite(tensor):
        return ""
    values = _values(tensor)
    kinds = (("NaN", values.isnan()), ("infinite numbers", values.isinf()))
    return " and ".join(kind for kind, there in kinds if bool(there.any()))


def _values(tensor: Tensor) -> Tensor:
    detached = tensor.detach()
    # not every kernel knows the types of one byte
    return detached.float() if detached.is_floating_point() and detached.element_size() == 1 else detached


def _holds(source: Call | Tensor) -> str:
    return source.holds if isinstance(source, Call) else contents(source)


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _name(func: Any) -> str:
    """What the author calls a function: ``log``, ``div`` for ``/``, ``T`` for the property."""
    parts = (resolve_name(func) or func.__name__).removesuffix(".__get__").split(".")
    name: str = parts[-1]
    if name.startswith("__") and name.endswith("__"):
        name = name.strip("_")
        name = {"truediv": "div", "rtruediv": "div", "rdiv": "div", "rsub": "sub", "rpow": "pow"}.get(name, name)
    return name

"""`Watch`: looks on while a network runs, so that a failure can be told with its op, its shapes and its numbers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from nnlint.errors import NnlintError
from nnlint.inputs.clashes import (
    SHAPES,
    Clash,
    Shape,
    clash_in_message,
    clash_of_call,
    clash_of_shapes,
    name_of,
    tensors_in,
)
from nnlint.inputs.contracts import breach, contract


class ContractError(RuntimeError):
    """A layer was given what it cannot take: raised before the layer runs, with both numbers."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a forward pass failed, as far as could be seen.

    Attributes:
        error: what the network raised; ``raised`` is what came out (a recorder may have wrapped it).
        module: the leaf layer that failed, None where a function did.
        path: the path of that layer, or of the module whose ``forward`` called the function.
        function: the name of the function that failed ("" for a layer, or where plain Python raised).
        shapes: of the tensors the failing op was given.
        clash: the two numbers that do not fit.
        reads: the index of the network's input tensor that the failing op reads directly, None if it does not.
        steps: how many layers had run: the farther a try gets the better it was.
        map: the shape of the last tensor of four or more axes that a layer made.
    """

    error: BaseException
    raised: BaseException
    module: nn.Module | None = None
    path: str = ""
    function: str = ""
    shapes: tuple[Shape, ...] = ()
    clash: Clash | None = None
    reads: int | None = None
    steps: int = 0
    map: Shape | None = None

    @property
    def is_mismatch(self) -> bool:
        """Whether shapes that do not fit are the reason, and both are known."""
        return self.clash is not None and self.clash.kind in SHAPES and bool(self.shapes)

    @property
    def text(self) -> str:
        """The error in one line."""
        said = " ".join(str(self.error).split())
        if isinstance(self.error, ContractError):  # nnlint's own words
            return said
        return f"{type(self.error).__name__}: {said[:300]}" if said else type(self.error).__name__


@dataclass
class Watch:
    """Context manager around one forward pass of ``module``; ``fault(error)`` then explains what was raised.

    It registers torch's global module hooks and a function mode, and silences warnings; all is taken away at the end:
    nothing is left on the network.

    Args:
        inputs: the input tensors, to tell which of them a layer reads directly.
        consumers: filled with the layers that read an input directly: index of the input → layers.
    """

    module: nn.Module
    inputs: Mapping[int, int]  # id of a tensor → its index
    consumers: dict[int, list[nn.Module]] = field(default_factory=dict)
    steps: int = 0
    _map: Shape | None = None
    _layer: tuple[nn.Module, tuple[torch.Tensor, ...]] | None = None
    _clash: Clash | None = None
    _call: tuple[Callable[..., Any], tuple[Any, ...], BaseException] | None = None
    _handles: list[Any] = field(default_factory=list)
    _mode: TorchFunctionMode | None = None
    _quiet: warnings.catch_warnings[None] = field(default_factory=warnings.catch_warnings)

    def __enter__(self) -> Watch:
        self._quiet.__enter__()
        warnings.simplefilter("ignore")  # they would be of tries, and are raised again when the network runs
        before = nn.modules.module.register_module_forward_pre_hook(self._enter_layer)
        after = nn.modules.module.register_module_forward_hook(self._leave_layer)
        self._handles = [before, after]
        self._mode = _LastFailure(self)
        self._mode.__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._mode is not None
        self._mode.__exit__(kind, error, trace)
        for handle in self._handles:
            handle.remove()
        self._quiet.__exit__(kind, error, trace)

    def _enter_layer(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        tensors = tuple(arg for arg in args if isinstance(arg, torch.Tensor))
        if not tensors or contract(module) is None:
            return
        for tensor in tensors[:1]:
            if (index := self.inputs.get(id(tensor))) is not None:
                self.consumers.setdefault(index, []).append(module)
        self._layer = (module, tensors)
        self._clash = breach(module, tuple(tensors[0].shape), tensors[0].dtype)
        if self._clash is not None:
            raise ContractError(sentence(type(module).__name__, tuple(tensors[0].shape), self._clash))

    def _leave_layer(self, module: nn.Module, _args: tuple[Any, ...], output: Any) -> None:
        self.steps += 1
        if self._layer is not None and self._layer[0] is module:
            self._layer = None
        if isinstance(output, torch.Tensor) and output.ndim >= 4:
            self._map = tuple(output.shape)

    def note_failure(self, function: Callable[..., Any], args: tuple[Any, ...], error: BaseException) -> None:
        """Called by the function mode: ``function`` raised ``error`` (the innermost call is told first)."""
        if self._call is None or self._call[2] is not error:
            self._call = (function, args, error)

    def fault(self, error: BaseException) -> Fault:
        """What is known of a failure that came out of the forward pass."""
        root = _root(error)
        told = getattr(error, "failure", None)  # the recorder's own account: it may not call layers on meta
        if told is not None and self._layer is None and told.shapes and (told.module or told.function):
            return self._told(root, error, told)
        if self._layer is not None and (self._clash is not None or self._call is None):
            module, tensors = self._layer
            clash = self._clash or clash_in_message(str(root))
            return self._made((root, error), module, "", tensors, clash)
        if self._call is not None and self._call[2] in (error, root):
            function, args, _ = self._call
            tensors = tuple(tensors_in(args))
            layer = self._layer[0] if self._layer else None
            clash = clash_of_call(function, args) or clash_in_message(str(root))
            return self._made((root, error), layer, name_of(function), tensors, clash)
        return self._made((root, error), None, "", (), clash_in_message(str(root)))

    def _told(self, root: BaseException, error: BaseException, told: Any) -> Fault:
        """A failure as the recorder tells it: a layer, or a function with its arguments."""
        if told.module is not None:
            clash = breach(told.module, told.shapes[0])
        else:
            plain = tuple(arg for arg in told.args if isinstance(arg, int))
            clash = clash_of_shapes(name_of(told.function), list(told.shapes), plain)
        reads = None
        if self._call is not None and self._call[2] in (error, root):
            reads = next((self.inputs[id(t)] for t in tensors_in(self._call[1]) if id(t) in self.inputs), None)
        name = name_of(told.function) if told.function is not None else ""
        clash = clash or clash_in_message(str(root))
        return Fault(root, error, told.module, told.path, name, told.shapes, clash, reads, self.steps, self._map)

    def _made(
        self,
        errors: tuple[BaseException, BaseException],
        module: nn.Module | None,
        function: str,
        tensors: tuple[torch.Tensor, ...],
        clash: Clash | None,
    ) -> Fault:
        path = next((name for name, child in self.module.named_modules() if child is module), "") if module else ""
        reads = next((self.inputs[id(t)] for t in tensors if id(t) in self.inputs), None)
        shapes = tuple(tuple(tensor.shape) for tensor in tensors)
        return Fault(*errors, module, path, function, shapes, clash, reads, self.steps, self._map)


class _LastFailure(TorchFunctionMode):
    """Tells the watch which torch function raised."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        try:
            return func(*args, **(kwargs or {}))
        except Exception as error:
            self.watch.note_failure(func, (*args, *(kwargs or {}).values()), error)
            raise


def _root(error: BaseException) -> BaseException:
    """The error of the network's own code, where the recorder wrapped it."""
    while isinstance(error, NnlintError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def sentence(layer: str, shape: Shape, clash: Clash) -> str:
    """A broken contract in words."""
    given = "x".join(map(str, shape))
    if clash.kind == "dtype":
        kinds = ("floating-point numbers", "integers") if clash.want else ("integers", "floating-point numbers")
        return f"{layer} reads {kinds[1]}, but got {kinds[0]}"
    if clash.kind == "axes":
        return f"{layer} expects {clash.want} axes, but got {clash.got}: a tensor of {given}"
    if clash.kind == "small":
        return f"the kernel of {layer} needs a map of at least {clash.want}, but got {clash.got}: a tensor of {given}"
    return f"{layer}({clash.argument}={clash.want}) was given a tensor of {given}: {clash.got} {clash.kind}"

"""`Watch`: looks on while a network runs, so that a failure can be told with its op, its shapes and its numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from nnlint.errors import NnlintError
from nnlint.load.contracts import Clash, breach, contract

Shape = tuple[int, ...]


#: the kinds of clashes that shapes tell
SHAPES = frozenset({"features", "channels", "elements", "axes", "size", "small"})


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
        return f"{type(self.error).__name__}: {said[:300]}" if said else type(self.error).__name__


@dataclass
class Watch:
    """Context manager around one forward pass of ``module``; ``fault(error)`` then explains what was raised.

    It registers torch's global module hooks and a function mode, and takes both away at the end: nothing is left on
    the network.

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

    def __enter__(self) -> Watch:
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
            tensors = tuple(_tensors(args))
            layer = self._layer[0] if self._layer else None
            clash = clash_of_call(function, args) or clash_in_message(str(root))
            return self._made((root, error), layer, _name(function), tensors, clash)
        return self._made((root, error), None, "", (), clash_in_message(str(root)))

    def _told(self, root: BaseException, error: BaseException, told: Any) -> Fault:
        """A failure as the recorder tells it: a layer, or a function with its arguments."""
        if told.module is not None:
            clash = breach(told.module, told.shapes[0])
        else:
            plain = tuple(arg for arg in told.args if isinstance(arg, int))
            clash = clash_of_shapes(_name(told.function), list(told.shapes), plain)
        reads = None
        if self._call is not None and self._call[2] in (error, root):
            reads = next((self.inputs[id(t)] for t in _tensors(self._call[1]) if id(t) in self.inputs), None)
        name = _name(told.function) if told.function is not None else ""
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


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", str(function))


def _tensors(args: Any) -> Iterator[torch.Tensor]:
    if isinstance(args, torch.Tensor):
        yield args
    elif isinstance(args, list | tuple):
        for item in args:
            yield from _tensors(item)


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


# Numbers of a failed function call, from its arguments

_MATMUL = {"matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "mv", "addmm", "baddbmm"}
_ELEMENTWISE = {
    "add", "add_", "sub", "sub_", "mul", "mul_", "div", "div_", "where", "lerp", "maximum", "minimum", "pow",
    "__add__", "__radd__", "__iadd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__imul__", "__truediv__",
}  # fmt: skip


def clash_of_call(function: Callable[..., Any], args: tuple[Any, ...]) -> Clash | None:
    """The numbers that do not fit in a failed call, from its arguments."""
    name = _name(function)
    shapes = [tuple(tensor.shape) for tensor in _tensors(args)]
    if name in ("view", "reshape") and shapes:
        return _clash_of_view(shapes[0], args[1:])
    return clash_of_shapes(name, shapes, tuple(arg for arg in args if type(arg) is int))


def clash_of_shapes(name: str, shapes: list[Shape], plain: tuple[int, ...]) -> Clash | None:
    """The numbers that do not fit in a failed call of ``name``, from its tensors' shapes and its whole numbers."""
    if len(shapes) < 2 or not all(shapes[:2]):
        return None
    a, b = shapes[:2]
    if name == "linear":
        return Clash("features", a[-1], b[-1], -1, "in_features") if a[-1] != b[-1] else None
    if name in ("conv1d", "conv2d", "conv3d") and len(a) == len(b):
        channels = b[1] * (plain[-1] if plain else 1)
        return Clash("channels", a[1], channels, 1 - len(a), "in_channels") if a[1] != channels else None
    if name in _MATMUL:
        inner = b[-2] if len(b) > 1 else b[-1]
        return Clash("size", a[-1], inner, -1) if a[-1] != inner else None
    if name in _ELEMENTWISE:
        return _clash_of_broadcast(
            a, b, inplace=(name.endswith("_") and not name.endswith("__")) or name.startswith("__i")
        )
    if name in ("cat", "concat", "concatenate", "stack"):
        return _clash_of_cat(shapes, (plain[0] if plain else 0) if name != "stack" else None)
    return None


def _clash_of_broadcast(a: Shape, b: Shape, *, inplace: bool) -> Clash | None:
    for axis in range(-1, -min(len(a), len(b)) - 1, -1):
        if a[axis] != b[axis] and b[axis] != 1 and (a[axis] != 1 or inplace):
            return Clash("size", a[axis], b[axis], axis)
    return None


def _clash_of_cat(shapes: list[Shape], dim: int | None) -> Clash | None:
    first = shapes[0]
    for other in shapes[1:]:
        if len(other) != len(first):
            return Clash("axes", len(first), len(other))
        for axis, (x, y) in enumerate(zip(first, other, strict=True)):
            if x != y and (dim is None or axis != dim % len(first)):
                return Clash("size", x, y, axis - len(first))
    return None


def _clash_of_view(shape: Shape, args: tuple[Any, ...]) -> Clash | None:
    sizes = args[0] if len(args) == 1 and isinstance(args[0], list | tuple) else args
    if not all(isinstance(size, int) for size in sizes):
        return None
    got = want = 1
    for size in shape:
        got *= size
    for size in sizes:
        want *= size if size > 0 else 1
    return Clash("elements", got, want)


_NUMBERS = re.compile(r"(?<![\w.])\d+(?![\w.]*\w)")
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("features", re.compile(r"\((?:\d+)x(?P<got>\d+) and (?P<want>\d+)x\d+\)")),
    ("features", re.compile(r"same reduction dim, but got \[(?:\d+, )*(?P<got>\d+)\] X \[(?P<want>\d+), \d+\]")),
    ("channels", re.compile(r"to have (?P<want>\d+) channels, but got (?P<got>\d+) channels")),
    ("size", re.compile(r"tensor a \((?P<got>\d+)\) must match the size of tensor b \((?P<want>\d+)\)")),
    ("size", re.compile(r"dimension of length (?P<got>\d+) at .* broadcastable to \[.*?(?P<want>\d+)\]")),
    ("size", re.compile(r"Expected (?:size )?(?P<want>\d+) (?:in dimension \d+ )?but got (?:size )?(?P<got>\d+)")),
    (
        "features",
        re.compile(r"(?:expecting|expected|Expected) [\w ]+? (?:of )?(?P<want>\d+),? (?:but )?got (?P<got>\d+)"),
    ),
    ("features", re.compile(r"got (?P<got>\d+),? (?:but )?expected (?P<want>\d+)")),
    ("channels", re.compile(r"running_mean should contain (?P<got>\d+) elements not (?P<want>\d+)")),
    ("elements", re.compile(r"shape '\[(?P<shape>[-\d, ]+)\]' is invalid for input of size (?P<got>\d+)")),
    ("small", re.compile(r"input size per channel: \((?P<got>\d+)[^)]*\)\. Kernel size: \((?P<want>\d+)")),
    ("small", re.compile(r"Output size is too small|size should be less than|smaller than|at least|too small")),
    ("axes", re.compile(r"[Ee]xpected (?P<want>\d)D.*?(?:got |size: )\(?(?P<got>\d)?")),
    ("axes", re.compile(r"Padding size \d+ is not supported for (?P<got>\d)D")),
    ("axes", re.compile(r"too many values to unpack \(expected (?P<want>\d+)(?:, got (?P<got>\d+))?\)")),
    ("axes", re.compile(r"not enough values to unpack \(expected (?P<want>\d+), got (?P<got>\d+)\)")),
    ("axes", re.compile(r"[Ee]xpected (?P<want>\d+) dims\. Received (?P<got>\d+)-dim")),
    ("axes", re.compile(r"must have (?P<want>\d+) dimensions, got (?P<got>\d+)")),
    ("axes", re.compile(r"input\.dim\(\) = (?P<got>\d+) is not equal to len\(dims\) = (?P<want>\d+)")),
    (
        "axes",
        re.compile(r"Dimension out of range \(expected to be in range of \[-(?P<got>\d+), .*but got (?P<want>\d+)"),
    ),
    ("divisor", re.compile(r"in chunks of (?P<want>\d+)")),
    ("divisor", re.compile(r"(?:divisible|multiple|divide)\D*?(?:by|of) \D{0,40}?(?P<want>\d+)")),
    ("divisor", re.compile(r"divisible|divided|multiple of")),
    ("dtype", re.compile(r"(?:scalar types: Long|must be long|tensors used as indices)")),
    ("size", re.compile(r"mismatch, (?P<got>\d+) != (?P<want>\d+)")),
)


def clash_in_message(message: str) -> Clash | None:
    """The numbers an error message names, for failures that are no call of a function with known arguments."""
    for kind, pattern in _PATTERNS:
        if match := pattern.search(message):
            found = match.groupdict()
            if kind == "dtype":
                return Clash("dtype", 0, 1)
            if "shape" in found:
                want = 1
                for size in re.findall(r"\d+", found["shape"].replace("-1", "")):
                    want *= int(size)
                return Clash(kind, int(found["got"]), want)
            return Clash(kind, int(found.get("got") or 0), int(found.get("want") or 0))
    return _clash_of_shapes(message)


def _clash_of_shapes(message: str) -> Clash | None:
    """The one size in which two shapes that a message names differ: "Expected hidden size (4, 16, 32), got [4, 2, 32]"."""
    shapes = [[int(n) for n in found.split(",")] for found in re.findall(r"[(\[](\d+(?:, ?\d+)+)[)\]]", message)]
    if len(shapes) != 2 or len(shapes[0]) != len(shapes[1]):
        return None
    unequal = [(a, b, axis - len(shapes[0])) for axis, (a, b) in enumerate(zip(*shapes, strict=True)) if a != b]
    return Clash("size", unequal[0][1], unequal[0][0], unequal[0][2]) if len(unequal) == 1 else None


def numbers_in(message: str) -> tuple[int, ...]:
    """The whole numbers of a message, in order."""
    return tuple(int(number) for number in _NUMBERS.findall(message))

"""What does not fit in a failed call: two numbers, from the arguments' shapes or from the words of the error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Clash:
    """Two numbers that should agree: what came (``got``), what was expected, and on which axis (from the end).

    ``kind`` says what they count. ``features`` and ``channels`` belong to an axis, ``elements`` to a whole tensor,
    ``axes`` to the number of axes, ``size`` to two tensors that should fit each other (either may be the wrong one),
    ``small`` to a map smaller than the kernel, ``dtype`` to floats where integers are read (1) or the reverse (0).
    """

    kind: str
    got: int
    want: int
    axis: int | None = None
    argument: str = ""


#: the kinds of clashes that shapes tell
SHAPES = frozenset({"features", "channels", "elements", "axes", "size", "small"})


def name_of(function: Callable[..., Any]) -> str:
    """The name of a torch function."""
    return getattr(function, "__name__", str(function))


def tensors_in(args: Any) -> Iterator[torch.Tensor]:
    """The tensors among (nested) arguments."""
    if isinstance(args, torch.Tensor):
        yield args
    elif isinstance(args, list | tuple):
        for item in args:
            yield from tensors_in(item)


_MATMUL = {"matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "mv", "addmm", "baddbmm"}
_ELEMENTWISE = {
    "add", "add_", "sub", "sub_", "mul", "mul_", "div", "div_", "where", "lerp", "maximum", "minimum", "pow",
    "__add__", "__radd__", "__iadd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__imul__", "__truediv__",
}  # fmt: skip


def clash_of_call(function: Callable[..., Any], args: tuple[Any, ...]) -> Clash | None:
    """The numbers that do not fit in a failed call, from its arguments."""
    name = name_of(function)
    shapes = [tuple(tensor.shape) for tensor in tensors_in(args)]
    if name in ("view", "reshape") and shapes:
        return _clash_of_view(shapes[0], args[1:])
    return clash_of_shapes(name, shapes, tuple(arg for arg in args if type(arg) is int))


def clash_of_shapes(name: str, shapes: list[Shape], plain: tuple[int, ...]) -> Clash | None:
    """The numbers that do not fit in a failed call of ``name``, from its tensors' shapes and its whole numbers."""
    if len(shapes) < 2 or not all(shapes[:2]):
        return None
    a, b = shapes[:2]
    clash = None
    if name == "linear":
        clash = Clash("features", a[-1], b[-1], -1, "in_features")
    elif name in ("conv1d", "conv2d", "conv3d") and len(a) == len(b):
        clash = Clash("channels", a[1], b[1] * (plain[-1] if plain else 1), 1 - len(a), "in_channels")
    elif name in _MATMUL:
        clash = Clash("size", a[-1], b[-2] if len(b) > 1 else b[-1], -1)
    elif name in _ELEMENTWISE:
        inplace = (name.endswith("_") and not name.endswith("__")) or name.startswith("__i")
        clash = _clash_of_broadcast(a, b, inplace=inplace)
    elif name in ("cat", "concat", "concatenate", "stack"):
        clash = _clash_of_cat(shapes, (plain[0] if plain else 0) if name != "stack" else None)
    return clash if clash is not None and clash.got != clash.want else None


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
    """The one size in which two shapes that a message names differ: "Expected (4, 16, 32), got [4, 2, 32]"."""
    shapes = [[int(n) for n in found.split(",")] for found in re.findall(r"[(\[](\d+(?:, ?\d+)+)[)\]]", message)]
    if len(shapes) != 2 or len(shapes[0]) != len(shapes[1]):
        return None
    unequal = [(a, b, axis - len(shapes[0])) for axis, (a, b) in enumerate(zip(*shapes, strict=True)) if a != b]
    return Clash("size", unequal[0][1], unequal[0][0], unequal[0][2]) if len(unequal) == 1 else None


def numbers_in(message: str) -> tuple[int, ...]:
    """The whole numbers of a message, in order."""
    return tuple(int(number) for number in _NUMBERS.findall(message))

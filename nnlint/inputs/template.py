"""Example inputs before they are tensors: templates with named sizes, and the tensors made from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch.utils import _pytree as pytree

from nnlint.errors import InputError
from nnlint.script.model import InputSpec

Sizes = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Template:
    """A tensor to be made: its axes are numbers, or names looked up in the sizes tried (``N`` batch, ``T`` sequence,
    ``D H W`` space, ``M`` nodes, ``E`` edges).

    ``fill`` says with what: ``random`` numbers (integers from 0 below ``high``), ``ones`` (a mask that hides nothing),
    or ``full`` (every entry is the sequence length).
    """

    axes: tuple[int | str, ...]
    dtype: str = "float32"
    high: int | None = None
    fill: Literal["random", "ones", "full"] = "random"
    why: str = ""

    def shape(self, sizes: Sizes) -> tuple[int, ...]:
        """The axes as numbers."""
        return tuple(sizes[axis] if isinstance(axis, str) else axis for axis in self.axes)

    def with_axis(self, axis: int, size: int) -> Template:
        """The same with another size on one axis."""
        axes = list(self.axes)
        axes[axis] = size
        return replace(self, axes=tuple(axes))


class Bag:
    """Arguments held as attributes (``data.x``, ``batch.edge_index``), as graph libraries hand them over."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __contains__(self, name: str) -> bool:
        return name in self.__dict__

    def __getitem__(self, name: str) -> Any:
        return self.__dict__[name]

    def get(self, name: str, default: Any = None) -> Any:
        """As of a dict."""
        return self.__dict__.get(name, default)

    def to(self, *_: Any, **__: Any) -> Bag:
        """Itself: nothing moves while linting."""
        return self


pytree.register_pytree_node(
    Bag,
    lambda bag: (list(bag.__dict__.values()), tuple(bag.__dict__)),
    lambda values, names: Bag(**dict(zip(names, values, strict=True))),
)


def tree_map(function: Callable[[Any], Any], tree: Any) -> Any:
    """``function`` applied to every leaf of nested tuples, lists, dicts and bags."""
    return pytree.tree_map(function, tree)


def leaves(tree: Any) -> list[Any]:
    """The leaves of nested containers, in order."""
    return list(pytree.tree_leaves(tree))


def to_template(spec: InputSpec, batch: int = 2) -> Template:
    """The template of a described tensor; an unbatched one gets a batch axis in front."""
    shape = spec.shape if spec.batched else (batch, *spec.shape)
    return Template(shape, spec.dtype, spec.high)


def dtype_named(name: str) -> torch.dtype:
    """``long`` → `torch.int64`, ``float32`` → `torch.float32`.

    Raises:
        InputError: if torch has no such dtype.
    """
    dtype = getattr(torch, name.removeprefix("torch."), None)
    if not isinstance(dtype, torch.dtype):
        raise InputError(f"no dtype is called {name!r}", help="float32, long, bool, int32, float16 …")
    return dtype


def make(template: Template, sizes: Sizes, device: str, seed: int = 0) -> torch.Tensor:
    """The tensor of a template. On the meta device it has no values; elsewhere the same seed gives the same ones."""
    shape, dtype = template.shape(sizes), dtype_named(template.dtype)
    if device == "meta":
        return torch.empty(shape, dtype=dtype, device="meta")
    if template.fill == "ones" or dtype == torch.bool:
        return torch.ones(shape, dtype=dtype, device=device)
    if template.fill == "full":
        return torch.full(shape, sizes.get("T", 1), dtype=dtype, device=device)
    generator = torch.Generator().manual_seed(seed)  # never the global one: the user's random state stays as it is
    if dtype.is_floating_point or dtype.is_complex:
        return torch.randn(shape, dtype=dtype, generator=generator).to(device)
    return torch.randint(0, template.high or 2, shape, dtype=dtype, generator=generator).to(device)


def materialise(tree: Any, sizes: Sizes, device: str) -> Any:
    """The tree with tensors in place of templates; tensors among its leaves are moved to the device, the rest stays."""
    count = 0

    def leaf(value: Any) -> Any:
        nonlocal count
        count += 1
        if isinstance(value, Template):
            return make(value, sizes, device, seed=count)
        if isinstance(value, torch.Tensor) and str(value.device) != device:
            return (
                torch.empty_like(value, device="meta") if device == "meta" else torch.zeros_like(value, device=device)
            )
        return value

    return tree_map(leaf, tree)


_SHORT = {"float32": "", "int64": "long", "float64": "double", "float16": "half"}


def describe(value: Any, name: str = "") -> str:
    """One input as text, as `--input` would take it: ``2x3x32x32``, ``ids: long 2x16``."""
    head = f"{name}: " if name else ""
    if isinstance(value, torch.Tensor):
        kind = str(value.dtype).removeprefix("torch.")
        kind = _SHORT.get(kind, kind)
        return f"{head}{kind + ' ' if kind else ''}{'x'.join(map(str, value.shape)) or 'scalar'}"
    if isinstance(value, Mapping):
        return f"{head}{{{', '.join(describe(item, str(key)) for key, item in value.items())}}}"
    if isinstance(value, Bag):
        return f"{head}{{{', '.join(describe(item, key) for key, item in value.__dict__.items())}}}"
    if isinstance(value, list | tuple):
        return f"{head}[{', '.join(describe(item) for item in value)}]"
    return f"{head}{value!r}"

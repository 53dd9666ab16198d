"""`Use`: what is seen of one argument of a ``forward``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import nn


def passes(module: nn.Module) -> bool:
    """Whether what a layer takes, it hands on in the same form: activations, dropout, padding, flattening."""
    if isinstance(module, nn.MultiheadAttention | nn.PReLU):
        return False
    return type(module).__module__ in (
        "torch.nn.modules.activation",
        "torch.nn.modules.dropout",
        "torch.nn.modules.padding",
        "torch.nn.modules.flatten",
    ) or isinstance(module, nn.Identity)


def axes_of_pattern(pattern: str) -> int:
    """How many axes an einops pattern reads: ``b c (h p) w -> …`` reads four."""
    depth = count = 0
    for word in pattern.partition("->")[0].replace("(", " ( ").replace(")", " ) ").split():
        depth += (word == "(") - (word == ")")
        count += depth == 0
    return count


@dataclass(frozen=True, slots=True)
class LayoutStep:
    """A change of layout before the first layer; ``args`` are its plain arguments, None where they are not known."""

    name: str
    args: tuple[Any, ...]


@dataclass(slots=True)
class Use:
    """What is seen of one argument.

    Attributes:
        consumer: the first module it is given to; ``position`` the argument there (an index, or a name).
        steps: the layout steps before that.
        group: the arguments concatenated with it on the way (itself included), in order.
        ndim: the number of axes its shape is unpacked into; ``ndim_min`` at least so many.
        keys: strings it is indexed with: it is a dict.
        attributes: names read from it that no tensor has: it is a record.
        elements: the number of parts it is unpacked into: it is a tuple or list.
        iterated: a ``for`` loop runs over it.
        integer: it serves as an index.
    """

    consumer: nn.Module | None = None
    position: int | str = 0
    steps: tuple[LayoutStep, ...] = ()
    group: tuple[str, ...] = ()
    ndim: int | None = None
    ndim_min: int = 0
    keys: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    elements: int | None = None
    iterated: bool = False
    integer: bool = False
    #: uses of its parts: ``batch["image"]``, ``data.x``, ``pair[0]``
    parts: dict[str | int, Use] = field(default_factory=dict)

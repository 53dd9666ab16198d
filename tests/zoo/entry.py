"""`Entry`: one network of the zoo, and the helpers the collections share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

#: positional and keyword arguments of a forward
Inputs = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A network nobody here wrote.

    Attributes:
        name: how tables call it.
        build: makes it with random weights; called after seeding, never downloads.
        inputs: makes arguments for the network it is given; called after seeding, so another seed is other values
            of the same shapes.
    """

    name: str
    build: Callable[[], nn.Module]
    inputs: Callable[[nn.Module], Inputs]


def floats(*shapes: tuple[int, ...]) -> Callable[[nn.Module], Inputs]:
    """Inputs of normally distributed positional arguments of these shapes."""
    return lambda _: (tuple(torch.randn(shape) for shape in shapes), {})


def tokens(*shape: int, high: int = 64) -> torch.Tensor:
    """Token ids below ``high``, away from the small ones that mark padding, beginning and end."""
    return torch.randint(5, high, shape)


def called(positional: Callable[[], tuple[Any, ...]], **keywords: Callable[[], Any]) -> Callable[[nn.Module], Inputs]:
    """Inputs made by these functions."""
    return lambda _: (positional(), {name: make() for name, make in keywords.items()})


def named(makers: Mapping[str, Callable[[], Any]]) -> Callable[[nn.Module], Inputs]:
    """Inputs that are all keywords."""
    return called(tuple, **makers)

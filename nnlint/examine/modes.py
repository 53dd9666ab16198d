"""The mode of a network while it is looked at: set flag by flag, and put back exactly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(module: nn.Module, training: bool = False) -> Iterator[None]:
    """Every module of ``module`` in eval mode (or training mode), and afterwards in the mode each was in.

    The flags are set directly: `Module.eval` may be overridden, and calls what it finds there.
    """
    before = {child: child.training for child in module.modules()}
    for child in before:
        child.training = training
    try:
        yield
    finally:
        for child, mode in before.items():
            child.training = mode

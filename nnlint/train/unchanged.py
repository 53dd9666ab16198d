"""A network used without a trace: for questions that only a forward and a backward pass can answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn

from nnlint.train.rng import rng_state, set_rng_state


@contextmanager
def unchanged(net: nn.Module) -> Iterator[None]:
    """Put weights, buffers and random generators back, also where the forward pass replaces or changes them."""
    places: list[tuple[dict[str, Any], str, Tensor, Tensor]] = [
        (held, name, tensor, tensor.detach().clone())
        for module in net.modules()
        for held in cast(tuple[dict[str, Any], ...], (module._parameters, module._buffers))
        for name, tensor in held.items()
        if tensor is not None
    ]
    generators = rng_state()
    try:
        yield
    finally:
        set_rng_state(generators)
        with torch.no_grad():
            for held, name, tensor, content in places:
                held[name] = tensor
                tensor.copy_(content)

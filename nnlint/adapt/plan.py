"""How a network is built for data, as plain data: so that it can be done as often as wanted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nnlint.adapt.arguments import Use, Wanted
from nnlint.adapt.layers import Change
from nnlint.adapt.opening import Opening
from nnlint.adapt.trial import EVALUATED


@dataclass(frozen=True, slots=True)
class Plan:
    """How a network is built for the data.

    Attributes:
        wanted: values for its own arguments.
        changes: layers that are replaced.
        shape: of a sample.
        lazy: it has layers that are made in its first pass.
        flat: its result has axes of size 1 to be left out.
        vectors: images are handed to it as vectors of their pixels.
    """

    wanted: Wanted
    changes: tuple[Change, ...] = ()
    shape: tuple[int, ...] = ()
    lazy: bool = False
    flat: bool = False
    vectors: bool = False

    def build(self, opening: Opening, *, meta: bool = False) -> tuple[nn.Module, Use, list[str]]:
        """Build it, on the CPU or on the meta device.

        Returns:
            the network, what was done about its arguments, and about its layers in words.
        """
        net, use = opening.build(self.wanted, meta=meta)
        if self.vectors:
            net.register_forward_pre_hook(_as_vectors)
        if self.lazy and not meta:
            materialise(net, self.shape)
        with torch.device("meta" if meta else "cpu"):
            said = [change.apply(net) for change in self.changes]
        if self.flat:
            net.register_forward_hook(_flattened)
        net.train()
        return net, use, said


def size_of(net: nn.Module) -> int:
    """The number of its parameters."""
    return sum(math.prod(one.shape) for one in net.parameters() if not nn.parameter.is_lazy(one))


def materialise(net: nn.Module, shape: tuple[int, ...]) -> None:
    """Have the layers made that are made in the first pass."""
    net.eval()
    with torch.no_grad():
        net(torch.zeros(EVALUATED, *shape))


def _as_vectors(_module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (inputs[0].flatten(1), *inputs[1:])


def _flattened(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
    return output.flatten(1) if output.dim() > 2 else output

"""`Normaliser`: from the numbers that data hold to those that a network learns."""

from __future__ import annotations

import torch
from torch import Tensor

from nnlint.train.data.model import Data


class Normaliser:
    """Inputs of mean 0 and deviation 1, a channel or feature; targets likewise where they are numbers."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.shape = (-1, *(1,) * (len(data.shape) - 1))
        self._inputs = _Scale.of(data.mean, data.std, self.shape)
        self._targets = _Scale.of(data.target_mean, data.target_std)

    def inputs(self, inputs: Tensor) -> Tensor:
        """Floats."""
        integers = not inputs.is_floating_point()
        pixels = len(self.shape) == 3 or inputs.dtype == torch.uint8  # images shown as vectors, too
        inputs = inputs.float()
        if self._inputs is None:
            return inputs / 255 if integers and pixels else inputs
        return self._inputs.applied(inputs)

    def targets(self, targets: Tensor) -> Tensor:
        """Class numbers as they are, (N,) also of a column (N, 1); numbers standardised."""
        if self.data.task != "numbers":
            return targets.long().reshape(len(targets))
        return targets.float() if self._targets is None else self._targets.applied(targets.float())


class _Scale:
    """A mean and a deviation, kept where the numbers are that they were last used for."""

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        self.mean, self.std = mean, std

    @classmethod
    def of(cls, mean: Tensor | None, std: Tensor | None, shape: tuple[int, ...] | None = None) -> _Scale | None:
        """None where one of them is not known."""
        if mean is None or std is None:
            return None
        return cls(mean, std) if shape is None else cls(mean.view(shape), std.view(shape))

    def applied(self, numbers: Tensor) -> Tensor:
        if self.mean.device != numbers.device:
            # once, not at each step: a copy from the CPU makes a GPU wait
            self.mean, self.std = self.mean.to(numbers.device), self.std.to(numbers.device)
        return (numbers - self.mean) / self.std

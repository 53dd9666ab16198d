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

    def inputs(self, inputs: Tensor) -> Tensor:
        """Floats."""
        integers = not inputs.is_floating_point()
        pixels = len(self.shape) == 3 or inputs.dtype == torch.uint8  # images shown as vectors, too
        inputs = inputs.float()
        if self.data.mean is None or self.data.std is None:
            return inputs / 255 if integers and pixels else inputs
        mean, std = (one.to(inputs.device).view(self.shape) for one in (self.data.mean, self.data.std))
        return (inputs - mean) / std

    def targets(self, targets: Tensor) -> Tensor:
        """Class numbers as they are, numbers standardised."""
        if self.data.task != "numbers":
            return targets.long()
        if self.data.target_mean is None or self.data.target_std is None:
            return targets.float()
        mean, std = self.data.target_mean.to(targets.device), self.data.target_std.to(targets.device)
        return (targets.float() - mean) / std

"""`Objective`: the loss that fits a network's head and the targets, and the numbers that judge it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

#: the losses the trainer knows, by the names nnlint's graphs use
LossName = Literal["cross_entropy", "nll_loss", "binary_cross_entropy_with_logits", "binary_cross_entropy", "mse_loss"]
#: what the numbers a network returns are
Head = Literal["scores", "log-probabilities", "probabilities", "sigmoid"]


@dataclass(frozen=True, slots=True)
class Objective:
    """What is minimised, and what it is judged by.

    Attributes:
        loss_name: the loss.
        why: why this one, in one sentence.
        metric: the number that judges, higher is better: ``accuracy`` or ``r2``.
        loss: ``loss(outputs, targets)``: the mean over a batch.
        expected_first_loss: of a network whose answers say nothing: log K for K classes; None: not known.
    """

    loss_name: LossName
    why: str
    metric: str
    loss: Callable[[Tensor, Tensor], Tensor]
    expected_first_loss: float | None

"""What a training comes to: plain, frozen, and the same whether it is printed, written as JSON or drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: how a training ended: all epochs done; the loss was no number any more; the user stopped it; the code failed
Ending = Literal["finished", "diverged", "interrupted", "failed"]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training data.

    Attributes:
        number: from 1.
        train_loss: mean over the samples, while the weights were changing.
        val_loss: after it, in evaluation mode; the same loss, with its label smoothing.
        metrics: on the validation data: ``accuracy``; ``rmse``, ``mae`` (units of the target) and ``r2``.
        lr: of the last step.
        seconds: of the training part.
        val_seconds: of the validation part.
        samples: trained on in this epoch.
    """

    number: int
    train_loss: float
    val_loss: float
    metrics: Mapping[str, float]
    lr: float
    seconds: float
    val_seconds: float
    samples: int


@dataclass(frozen=True, slots=True)
class Trained:
    """A training and what came of it.

    Attributes:
        ending: how it ended; ``reason`` says why in one sentence, where it did not just finish.
        epochs: those that were done.
        metric: the name of the one number that judges (``accuracy``, ``r2``): higher is better.
        final: the metrics on the test data (on the validation data without any) with the last weights; empty if it
            did not finish.
        judged_on: ``test`` or ``val``.
        best_epoch: that of the highest metric on the validation data, from 1; 0 if it was never a number.
        first_loss: of the first batch, before anything was learnt; ``expected_first_loss`` of a network that knows
            nothing, None where that is not known.
        baseline: the metric of the best constant answer, on the data that judge; None where that is not known.
        steps: of the optimiser.
        losses_digest: SHA-256 of the loss of every step, as float32: equal ones mean bit-identical trainings.
        state_digest: SHA-256 of the last weights and buffers, by name.
        seconds: all of the training parts together.
        settled_seconds: the median of an epoch's training part without the first one, and the first after each resume:
            they compile and warm up. Of these where there are no others.
        peak_bytes: the most memory that tensors took on the GPU; None on the CPU.
        facts: devices, threads, versions, flags: what has to be known to repeat it.
    """

    ending: Ending
    epochs: tuple[Epoch, ...]
    metric: str
    final: Mapping[str, float]
    judged_on: str
    best_epoch: int
    first_loss: float
    expected_first_loss: float | None
    baseline: float | None
    steps: int
    losses_digest: str
    state_digest: str
    seconds: float
    settled_seconds: float
    peak_bytes: int | None = None
    reason: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def score(self) -> float | None:
        """The number that judges it; None if it did not finish."""
        return self.final.get(self.metric)

"""What is handed to the processes that train: plain data, so that a process need not load torch to hand it out."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nnlint.adapt.model import DataChoice, NetworkSource
from nnlint.train.config import TrainConfig
from nnlint.train.results import Trained


@dataclass(frozen=True, slots=True)
class Plan:
    """What is compared on what.

    Attributes:
        sources: the networks; the first is the one that the others are compared with.
        data: what they are trained on.
        config: the recipe; its seed is that of the first pair, and of data that a function makes.
    """

    sources: tuple[NetworkSource, ...]
    data: DataChoice
    config: TrainConfig


@dataclass(frozen=True, slots=True)
class Run:
    """One training: of which source, with which seed and rate; ``like``: the source whose first weights it shares."""

    variant: int
    config: TrainConfig
    like: int | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """A network that is ready to be trained, in words and numbers; see `Adapted` and `Ready` in `nnlint.adapt`."""

    name: str
    notes: tuple[str, ...]
    loss: str
    why: str
    metric: str
    params: int
    macs: int
    data: str
    batch_size: int


def failed(reason: str, metric: str) -> Trained:
    """A training that came to nothing."""
    return Trained(
        ending="failed",
        epochs=(),
        metric=metric,
        final={},
        judged_on="test",
        best_epoch=0,
        first_loss=math.nan,
        expected_first_loss=None,
        baseline=None,
        steps=0,
        losses_digest="",
        state_digest="",
        seconds=0.0,
        settled_seconds=math.nan,
        reason=reason,
    )

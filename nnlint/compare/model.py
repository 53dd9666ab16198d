"""What a comparison is made of, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from nnlint.train.config import TrainConfig
from nnlint.train.results import Trained

#: the second network against the first. ``bit-identical``: every loss and every answer is the same number;
#: ``too few seeds``: fewer than six finished pairs, which no verdict is given on; ``failed``: one cannot be trained
Verdict = Literal["better", "worse", "no evidence", "bit-identical", "too few seeds", "failed"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a network costs.

    Attributes:
        params, macs: of one sample.
        seconds: of training one epoch: the median over the runs of their `settled_seconds`.
        samples_per_second: in training.
        peak_bytes: the most bytes that tensors take in a training step, weights and optimiser included.
    """

    params: int
    macs: int
    seconds: float
    samples_per_second: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the two networks.

    Attributes:
        label: what it is called here; ``target``: how it is named to nnlint.
        notes: what was adapted to the data.
        loss: what judges it in training, and ``why`` that.
        config: its recipe; the two of a comparison differ in the learning rate at most (``--lr-sweep``).
        rates: learning rate → mean score, where rates were tried.
        cost: None where no run finished.
    """

    label: str
    target: str
    loss: str
    why: str
    config: TrainConfig
    notes: tuple[str, ...] = ()
    rates: Mapping[float, float] = field(default_factory=dict)
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """The two trained with one seed, on the same batches.

    Attributes:
        order: which was trained first.
        seed_b: the second's seed where it is another one: a network against itself.
    """

    seed: int
    a: Trained
    b: Trained
    order: Literal["AB", "BA"]
    seed_b: int | None = None

    @property
    def second_seed(self) -> int:
        """The seed of the second network."""
        return self.seed if self.seed_b is None else self.seed_b

    @property
    def seeds(self) -> str:
        """The seed, or both: ``0 / 1000``."""
        return str(self.seed) if self.seed_b is None else f"{self.seed} / {self.seed_b}"

    @property
    def delta(self) -> float | None:
        """How much higher the second scores; None if one did not finish."""
        if self.a.score is None or self.b.score is None:
            return None
        return self.b.score - self.a.score


@dataclass(frozen=True, slots=True)
class Effect:
    """The difference between the two, over the seeds.

    Attributes:
        metric: what is measured (``accuracy``, ``r2``), ``deltas``: of each finished pair, in the order of the seeds.
        mean, sd: of the deltas.
        low, high: the interval of 95 % that belongs to the test; None for fewer than six pairs.
        p: two-sided, of the sign-flip test over all choices of signs, of many pairs over drawn ones; None for fewer
            than six pairs.
    """

    metric: str
    deltas: tuple[float, ...]
    mean: float
    sd: float
    low: float | None
    high: float | None
    p: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Comparison:
    """A against B.

    Attributes:
        a, b: the two; A is the one that stands first (as written, before a fix).
        data: what they were trained on, in one sentence.
        diff: what the source of B has different, as a unified diff; empty for two files.
        fixes: the rules whose fixes B has.
        unfixed: what nnlint finds in B still, by rule, with the reasons; of the rules that were to be fixed.
        unfinished: the runs that diverged or failed, in sentences: they are never left out silently.
        facts: machine, versions, threads, flags.
        seconds: of all of it, on the clock.
    """

    a: Variant
    b: Variant
    data: str
    pairs: tuple[Pair, ...]
    effect: Effect
    diff: str = ""
    fixes: tuple[str, ...] = ()
    unfixed: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0

"""Learning rates to try, and which of them to take."""

from __future__ import annotations

import math
from collections.abc import Mapping

#: neighbouring rates differ by this factor
RATE_STEP = math.sqrt(10)


def around(rate: float, count: int) -> tuple[float, ...]:
    """So many rates around one, a factor of √10 apart: ``around(0.003, 3)`` is 0.00095, 0.003, 0.0095."""
    return tuple(float(f"{rate * RATE_STEP ** (i - (count - 1) / 2):.3g}") for i in range(count))


def best(scores: Mapping[float, float], *, usual: float) -> float | None:
    """The rate with the highest score, of equal ones that nearest to the usual one; None where none has a score."""
    usable = [rate for rate, score in scores.items() if math.isfinite(score)]
    return max(usable, key=lambda rate: (scores[rate], -abs(rate - usual)), default=None)

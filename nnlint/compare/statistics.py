"""Is a difference more than chance? The sign-flip test of paired differences, and the interval that belongs to it.

Under the hypothesis that two networks are equally good, each paired difference could as well have had the other sign
(R. A. Fisher, The Design of Experiments, 1935, section 21: Darwin's plants). Of all 2^n ways to choose the signs, the
share whose mean is at least as far from zero as the one that was seen is the p value: exact, with no assumption on how
the differences are distributed but that their distribution is symmetric.

A value t lies in the interval if the test of "the effect is t" does not reject it. Flipping the differences in a set S
gives a sum as large as the one that was seen exactly if the differences in S are at most t on average, so the bounds
are order statistics of the means of subsets (J. A. Hartigan, Using subsample values as typical values, JASA 64, 1969:
the 2^n - 1 means of all subsets, sorted, divide the line into 2^n parts that the centre of symmetry is equally likely
to lie in).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: p below this is evidence, and 1 minus this is the level of the interval
ALPHA = 0.05
#: with five pairs the smallest p is 2/32 = .0625: no result whatever could be evidence
FEWEST = 6
#: up to so many differences all signs are tried
MOST_EXACT = 16
#: above, so many of them are drawn, with this seed: two calls give one answer
DRAWS = 2**15 - 1
SEED = 1935
#: sums that are smaller than this share of the sum of all sizes are rounding: scores such as 347/360 are no floats
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Tested:
    """What a sample of differences says: mean, sd (of the sample: n - 1), two-sided p, and the interval of 95 %."""

    mean: float
    sd: float
    p: float
    low: float
    high: float


def sign_flip(deltas: Sequence[float]) -> Tested:
    """The sign-flip test of differences.

    Up to 16 differences all 2^n signs are tried; above, 32,767 are drawn and p is (b + 1) / (m + 1), which keeps the
    level (B. Phipson and G. K. Smyth, Permutation p-values should never be zero, 2010).

    Args:
        deltas: at least one, all finite.

    Raises:
        ValueError: for none, or one that is not finite.
    """
    values = np.sort(np.asarray(deltas, dtype=np.float64))  # sorted: the order they come in cannot matter
    if not len(values) or not np.isfinite(values).all():
        raise ValueError("the sign-flip test needs at least one difference, and numbers only")
    mean, sd = spread(deltas)
    means = _subset_means(values)
    total = len(means) // 2 + 1
    below, above = int((means <= 0).sum()), int((means >= 0).sum())
    # flips come in pairs, a set and its complement, whose sums are as far from zero; one pair is "as it was seen"
    p = min(1.0, (1 + min(below, above)) / total)
    # t is in the interval if (1 + the means up to t) / total is no less than ALPHA
    rank = math.ceil(ALPHA * total) - 1
    if rank < 1:
        return Tested(mean, sd, p, -math.inf, math.inf)
    means.sort()
    return Tested(mean, sd, p, float(means[rank - 1]), float(means[-rank]))


def spread(deltas: Sequence[float]) -> tuple[float, float]:
    """The mean and the standard deviation of a sample (0 for a single number)."""
    mean = math.fsum(deltas) / len(deltas)
    if len(deltas) == 1:
        return mean, 0.0
    return mean, math.sqrt(math.fsum((delta - mean) ** 2 for delta in deltas) / (len(deltas) - 1))


def _subset_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The means of subsets and of their complements: all but the whole and the empty one, or as many as are drawn."""
    n = len(values)
    if n <= MOST_EXACT:
        # half of them: those without the last value; the complements are the other half
        chosen = (np.arange(1, 2 ** (n - 1))[:, None] >> np.arange(n)) & 1 == 1
    else:
        chosen = np.random.default_rng(SEED).integers(0, 2, size=(DRAWS, n), dtype=np.int8) == 1
        chosen = chosen[chosen.any(1) & ~chosen.all(1)]
    tolerance = ROUNDING * float(np.abs(values).sum())
    parts = []
    for members in (chosen, ~chosen):
        sums = members.astype(np.float64) @ values
        sums[np.abs(sums) <= tolerance] = 0.0
        parts.append(sums / members.sum(1))
    return np.concatenate(parts)

"""The sign-flip test and its interval: against a brute-force reference, and by their properties."""

import math
from fractions import Fraction
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlint.compare.statistics import ALPHA, FEWEST, MOST_EXACT, sign_flip, spread

#: whole numbers: sums are exact, and ties as frequent as among accuracies
whole = st.lists(st.integers(-6, 6), min_size=1, max_size=9)
real = st.lists(st.floats(-1, 1, allow_nan=False).map(lambda x: round(x, 6)), min_size=6, max_size=9)


def reference_p(values: list[Fraction]) -> Fraction:
    """By the definition: every choice of signs, exactly."""
    seen = abs(sum(values))
    sums = [abs(sum(sign * value for sign, value in zip(signs, values, strict=True))) for signs in _signs(len(values))]
    return Fraction(sum(one >= seen for one in sums), len(sums))


def _signs(n: int) -> list[tuple[int, ...]]:
    return list(product((1, -1), repeat=n))


def reference_interval(values: list[Fraction]) -> tuple[Fraction, Fraction]:
    """By inverting the test: p changes at means of subsets only, so these and the middles between them are tried."""
    means = sorted({sum(part) / len(part) for n in range(1, len(values) + 1) for part in combinations(values, n)})
    tries = sorted({*means, *(a + (b - a) / 2 for a, b in pairwise(means))})
    kept = [t for t in tries if reference_p([value - t for value in values]) >= Fraction(1, 20)]
    return min(kept), max(kept)


@settings(deadline=None, max_examples=60)
@given(whole)
def test_p_is_that_of_trying_every_sign(values: list[int]) -> None:
    assert sign_flip(values).p == pytest.approx(float(reference_p([Fraction(value) for value in values])), abs=1e-12)


@settings(deadline=None, max_examples=12)
@given(st.lists(st.integers(-9, 9), min_size=6, max_size=7))
def test_the_interval_is_that_of_inverting_the_test(values: list[int]) -> None:
    low, high = reference_interval([Fraction(value) for value in values])
    found = sign_flip(values)
    assert (found.low, found.high) == (pytest.approx(float(low)), pytest.approx(float(high)))


@settings(deadline=None)
@given(real)
def test_other_signs_give_the_mirrored_answer(values: list[float]) -> None:
    one, other = sign_flip(values), sign_flip([-value for value in values])
    assert one.p == other.p
    assert (one.low, one.high) == (pytest.approx(-other.high), pytest.approx(-other.low))
    assert (one.mean, one.sd) == (-other.mean, other.sd)


@settings(deadline=None)
@given(real.flatmap(lambda values: st.tuples(st.just(values), st.permutations(values))))
def test_the_order_does_not_matter(values: tuple[list[float], list[float]]) -> None:
    assert sign_flip(values[0]) == sign_flip(values[1])


@settings(deadline=None)
@given(real)
def test_p_has_the_steps_of_the_test(values: list[float]) -> None:
    p = sign_flip(values).p
    assert 2 / 2 ** len(values) <= p <= 1
    assert (p * 2 ** (len(values) - 1)).is_integer()


@settings(deadline=None, max_examples=300)
@given(st.one_of(real, st.lists(st.integers(-5, 20).map(lambda k: k / 360), min_size=6, max_size=10)))
def test_zero_is_outside_the_interval_exactly_if_p_is_small(values: list[float]) -> None:
    found = sign_flip(values)
    assert (found.low > 0 or found.high < 0) == (found.p < ALPHA)
    assert found.low <= found.mean + 1e-12
    assert found.high >= found.mean - 1e-12


def test_known_values() -> None:
    # Fisher's own example: the differences of Darwin's 15 pairs of maize plants, in eighths of an inch. 863 of the
    # 32,768 sums are as large as 314 or larger, so that the two-sided p is 1726/32768
    darwin = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    found = sign_flip(darwin)
    assert sum(darwin) == 314
    assert found.p == pytest.approx(1726 / 32768)
    assert found.low <= 0  # p is just above .05


@pytest.mark.parametrize(("n", "p"), [(5, 0.0625), (6, 0.03125), (8, 0.0078125)])
def test_the_smallest_p(n: int, p: float) -> None:
    found = sign_flip([0.1 * (1 + i) for i in range(n)])
    assert found.p == p
    assert (found.p < ALPHA) == (n >= FEWEST)
    assert math.isinf(found.low) == (n < FEWEST)


def test_scores_that_are_no_floats_tie_as_fractions_do() -> None:
    scores = [(350, 347), (123, 120), (251, 248), (37, 40), (186, 189), (308, 311), (352, 352), (90, 87)]
    deltas = [a / 360 - b / 360 for a, b in scores]
    assert len(set(deltas)) > 3  # rounding tells apart what is equal
    exact = [Fraction(a - b, 360) for a, b in scores]
    assert sign_flip(deltas).p == float(reference_p(exact))


def test_all_zero_is_no_evidence_at_all() -> None:
    found = sign_flip([0.0] * 8)
    assert (found.p, found.low, found.high, found.mean, found.sd) == (1.0, 0.0, 0.0, 0.0, 0.0)


def test_many_differences_are_sampled_and_agree_with_the_exact_test() -> None:
    generator = np.random.default_rng(0)
    many = generator.normal(0.3, 1, MOST_EXACT + 4)
    found = sign_flip(list(many))
    assert found == sign_flip(list(many))
    sums = np.zeros(1)
    for value in many:
        sums = np.concatenate([sums + value, sums - value])
    assert found.p == pytest.approx(float((np.abs(sums) >= abs(many.sum()) - 1e-9).mean()), abs=0.006)
    assert (found.low > 0 or found.high < 0) == (found.p < ALPHA)
    # the interval is close to the normal one for twenty normal numbers
    half = 2.093 * many.std(ddof=1) / math.sqrt(len(many))
    assert (found.low, found.high) == (
        pytest.approx(many.mean() - half, abs=0.08),
        pytest.approx(many.mean() + half, abs=0.08),
    )


def test_sampled_p_is_never_zero() -> None:
    assert sign_flip([1.0 + i / 100 for i in range(30)]).p == pytest.approx(1 / 2**15, rel=1e-3)


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf]])
def test_what_is_no_sample_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="at least one difference"):
        sign_flip(values)


def test_spread() -> None:
    assert spread([1.0, 3.0]) == (2.0, pytest.approx(math.sqrt(2)))
    assert spread([4.0]) == (4.0, 0.0)

"""Verdicts and their sentences, on runs made by hand."""

import math
from dataclasses import replace

import pytest
from made import comparison, diverged, interrupted, out_of_memory, pairs, trained

from nnlint.compare.model import Pair, Verdict
from nnlint.compare.verdict import change, effect, sentence, unfinished
from nnlint.train.results import Trained

LOW = [0.90, 0.91, 0.92, 0.90, 0.91, 0.92, 0.90, 0.91]
HIGH = [one + 0.02 + i / 1000 for i, one in enumerate(LOW)]


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        (LOW, HIGH, "better"),
        (HIGH, LOW, "worse"),
        (LOW, [*HIGH[:4], *(one - 0.02 for one in LOW[4:])], "no evidence"),
        (LOW[:5], HIGH[:5], "too few seeds"),
        (LOW[:6], HIGH[:6], "better"),
        (LOW, LOW, "bit-identical"),
        (LOW[:1], LOW[:1], "bit-identical"),
    ],
)
def test_verdicts(a: list[float], b: list[float], verdict: Verdict) -> None:
    made = comparison(pairs(a, b))
    assert made.effect.verdict == verdict
    assert sentence(made)


def test_equal_scores_of_different_trainings_are_not_identical() -> None:
    a = [trained(0.9, "one")] * 8
    b = [trained(0.9, "other")] * 8
    found = effect(pairs(a, b), "accuracy")
    assert (found.verdict, found.p, found.mean) == ("no evidence", 1.0, 0.0)


def test_equal_losses_with_other_answers_are_not_identical() -> None:
    a = [trained(0.9, "same")] * 8
    b = [trained(0.8, "same")] * 8
    assert effect(pairs(a, b), "accuracy").verdict == "worse"


def test_equal_training_and_accuracy_with_another_validation_loss_are_not_identical() -> None:
    """What differs in evaluation alone may leave every sample on the side where it was."""
    one = trained(0.9, "same")
    other = replace(one, epochs=(one.epochs[0], replace(one.epochs[1], val_loss=0.123)))
    assert effect(pairs([one] * 6, [other] * 6), "accuracy").verdict == "no evidence"
    no_number = replace(one, epochs=(replace(one.epochs[0], val_loss=math.nan),))
    assert effect(pairs([no_number] * 6, [no_number] * 6), "accuracy").verdict == "bit-identical"


def test_one_pair_that_differs_spoils_the_proof() -> None:
    assert effect(pairs(LOW, [*LOW[:7], 0.95]), "accuracy").verdict == "no evidence"


def test_no_interval_and_no_p_from_fewer_than_six() -> None:
    found = effect(pairs(LOW[:5], HIGH[:5]), "accuracy")
    assert (found.low, found.high, found.p) == (None, None, None)
    assert len(found.deltas) == 5


# ------------------------------------------------------------------------------------------ runs that do not finish


def test_a_network_that_never_trains_has_failed() -> None:
    made = comparison(pairs([diverged()] * 8, HIGH))
    assert made.effect.verdict == "failed"
    said = sentence(made)
    assert "A (plain) did not finish for any of 8 seeds" in said
    assert "the loss of step 7 is nan" in said
    assert "B (mended) can be trained" in said
    assert len(made.unfinished) == 8


def test_both_fail() -> None:
    made = comparison(pairs([diverged()] * 8, [out_of_memory()] * 8))
    assert made.effect.verdict == "failed"
    assert "can be trained" not in sentence(made)
    assert math.isnan(made.effect.mean)


def test_the_better_one_that_sometimes_diverges_is_not_called_better() -> None:
    made = comparison(pairs(LOW, [diverged(), diverged(), *HIGH[2:]]))
    assert made.effect.p is not None
    assert made.effect.p < 0.05  # the finished six say better
    assert made.effect.verdict == "no evidence"
    assert "counted as always answering the commonest class of the training data" in sentence(made)


def test_the_worse_one_that_diverges_too_is_worse() -> None:
    made = comparison(pairs(HIGH, [diverged(), diverged(), *LOW[2:]]))
    assert made.effect.verdict == "worse"
    assert "2 pairs are missing" in sentence(made)


def test_without_a_known_baseline_a_diverged_run_speaks_against_the_one_that_diverged_or_nobody() -> None:
    assert effect(pairs(LOW, [diverged(None), diverged(None), *HIGH[2:]]), "accuracy").verdict == "no evidence"


def test_a_lost_process_says_nothing_of_the_network() -> None:
    made = comparison(pairs(LOW, [out_of_memory(), *HIGH[1:]]))
    assert made.effect.verdict == "better"
    assert made.unfinished == ("seed 0, mended: failed (its process was ended by SIGKILL)",)
    assert "1 pair is missing" in sentence(made)


def test_both_diverging_together_is_no_difference() -> None:
    both = [diverged(), diverged()]
    assert effect(pairs([*both, *LOW[2:]], [*both, *HIGH[2:]]), "accuracy").verdict == "better"


def test_what_the_user_stopped_is_no_failure() -> None:
    made = comparison(pairs([interrupted()] * 2, [interrupted()] * 2))
    assert made.effect.verdict == "too few seeds"


def test_too_few_finished() -> None:
    gone: list[Trained | float] = [diverged(), diverged(), diverged()]
    made = comparison(pairs(LOW, [*gone, *HIGH[3:]]))
    assert made.effect.verdict == "too few seeds"
    assert "5 finished pairs" in sentence(made)


def test_a_score_that_is_no_number_is_told() -> None:
    odd = replace(trained(0.9), final={"accuracy": math.nan})
    made = pairs([odd], [0.9])
    assert effect(made, "accuracy").deltas == ()
    assert "nan" in unfinished(made, "a", "b")[0]


# ------------------------------------------------------------------------------------------------------- in words


def test_sentences() -> None:
    assert (
        sentence(comparison(pairs(LOW, HIGH)))
        == "B (mended) is better than A (plain) by 2.35 points (p = 0.0078, 8 seeds)."
    )
    assert sentence(comparison(pairs(HIGH, LOW))).startswith("B (mended) is worse than A (plain) by 2.35 points")
    assert "proved for these runs" in sentence(comparison(pairs(LOW, LOW)))
    none = sentence(comparison(pairs(LOW, [*HIGH[:4], *(one - 0.02 for one in LOW[4:])])))
    assert none.startswith("No evidence of a difference between B (mended) and A (plain): p = ")
    assert "interval of 95 %" in none


def test_rounding_is_called_rounding() -> None:
    def drifted(pair: Pair) -> Pair:
        a = pair.a.epochs
        b = tuple(replace(one, train_loss=one.train_loss + 2e-6) for one in a)
        return replace(pair, b=replace(pair.b, epochs=b, losses_digest="drifted"))

    made = comparison([drifted(pair) for pair in pairs(LOW, LOW)])
    assert made.effect.verdict == "no evidence"
    assert "differ by 2e-06 in any epoch at most" in sentence(made)


def test_changes() -> None:
    accuracy, r2 = comparison(pairs(LOW, HIGH)).effect, replace(comparison(pairs(LOW, HIGH)).effect, metric="r2")
    assert change(accuracy, 0.0123) == "+1.23 points"
    assert change(accuracy, -0.5) == "\u221250.00 points"
    assert change(accuracy, 0.0) == "0.00 points"
    assert change(r2, 0.01) == "+0.0100 R²"
    assert change(accuracy, -math.inf) == "\u2212∞"
    assert change(accuracy, None) == "unknown"

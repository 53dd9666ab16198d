"""What paired runs say: the effect, the verdict, and the sentence that puts it into words.

Runs that do not finish. A network that diverges for two of eight seeds is worse for it, and to look at the other six
alone would reward it: those are the seeds that were kind to it. So the effect is that of the finished pairs, and it is
a verdict only if it stays one when every diverged run counts as what a network that learnt nothing scores (the best
constant answer). Runs that failed for other reasons (memory, a bug, the user stopped them) say nothing of how well a
network learns: their pairs are left out, and named.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from nnlint.compare.model import Comparison, Effect, Pair, Verdict
from nnlint.compare.statistics import ALPHA, FEWEST, MOST_EXACT, sign_flip, spread
from nnlint.train.results import Trained
from nnlint.train.wording import MINUS, number

#: what the test is of
SAME_DATA = (
    "All seeds train and are judged on the same data: p tells chance in training, not what other data would say."
)


def effect(pairs: Sequence[Pair], metric: str) -> Effect:
    """The difference between the two networks of finished pairs, and the verdict on it.

    Args:
        pairs: all that were run, finished or not.
        metric: what judges.
    """
    deltas = tuple(delta for pair in pairs if (delta := _delta(pair)) is not None)
    mean, sd = spread(deltas) if deltas else (math.nan, math.nan)
    low = high = p = None
    if len(deltas) >= FEWEST:
        tested = sign_flip(deltas)
        low, high, p = tested.low, tested.high, tested.p
    return Effect(metric, deltas, mean, sd, low, high, p, _verdict(pairs, deltas))


def _delta(pair: Pair) -> float | None:
    delta = pair.delta
    return delta if delta is not None and math.isfinite(delta) else None


def _verdict(pairs: Sequence[Pair], deltas: Sequence[float]) -> Verdict:
    finished = [pair for pair in pairs if _delta(pair) is not None]
    # one pair is a proof: equal numbers are not a matter of chance
    if finished and all(identical(pair) for pair in finished) and len(finished) == len(pairs):
        return "bit-identical"
    if any(_never(runs) for runs in ([pair.a for pair in pairs], [pair.b for pair in pairs])):
        return "failed"
    if len(deltas) < FEWEST:
        return "too few seeds"
    verdict = _of(deltas)
    return verdict if verdict == _of(_with_diverged(pairs, verdict)) else "no evidence"


def identical(pair: Pair) -> bool:
    """Whether the loss of every step, and of every epoch on the validation data, and every metric are the same numbers.

    Networks that train alike may answer otherwise (the momentum of batch norm counts in evaluation alone): by metrics
    only, that would be seen if another sample were right or wrong. The losses are means of all answers' last digits.
    """
    a, b = pair.a, pair.b
    return a.ending == b.ending == "finished" and a.losses_digest == b.losses_digest and _judged(a) == _judged(b)


def _judged(run: Trained) -> list[str]:
    """All numbers of evaluation mode, in digits that tell every float from every other, and not a number from none."""
    return [repr(dict(run.final)), *(repr((epoch.val_loss, dict(epoch.metrics))) for epoch in run.epochs)]


def _never(runs: Sequence[Trained]) -> bool:
    """Whether a network was trained and never to the end; what the user stopped was not given the chance."""
    tried = [run for run in runs if run.ending != "interrupted"]
    return bool(tried) and not any(_finished(run) for run in tried)


def lost(pairs: Sequence[Pair]) -> dict[str, Trained]:
    """A run of each network that never finished: ``a``, ``b``, the first that the user did not stop."""
    sides = {"a": [pair.a for pair in pairs], "b": [pair.b for pair in pairs]}
    return {
        side: next(run for run in runs if run.ending != "interrupted") for side, runs in sides.items() if _never(runs)
    }


def _finished(run: Trained) -> bool:
    return run.score is not None and math.isfinite(run.score)


def _of(deltas: Sequence[float]) -> Verdict:
    tested = sign_flip(deltas)
    if tested.p >= ALPHA:
        return "no evidence"
    return "better" if tested.mean > 0 else "worse"


def _with_diverged(pairs: Sequence[Pair], verdict: Verdict) -> list[float]:
    """The deltas with every diverged run as a constant answer; where its score is not known, against the verdict."""
    against = -math.inf if verdict == "better" else math.inf
    deltas = []
    for pair in pairs:
        delta = _delta(pair)
        if delta is None:
            a, b = _counted(pair.a), _counted(pair.b)
            if a is None or b is None:
                continue
            delta = b - a
        deltas.append(delta)
    largest = sum(abs(delta) for delta in deltas if math.isfinite(delta)) + 1
    return [delta if math.isfinite(delta) else math.copysign(largest, against) for delta in deltas]


def _counted(run: Trained) -> float | None:
    """What a run counts; None for one that says nothing, not a number for one that is worth an unknown constant."""
    if _finished(run):
        return run.score
    if run.ending in ("failed", "interrupted"):
        return None
    return math.nan if run.baseline is None else run.baseline


def unfinished(pairs: Sequence[Pair], label_a: str, label_b: str) -> tuple[str, ...]:
    """A sentence for every run that did not finish."""
    sentences = []
    for pair in pairs:
        for label, run, seed in ((label_a, pair.a, pair.seed), (label_b, pair.b, pair.second_seed)):
            if _finished(run):
                continue
            what = run.ending if run.ending != "finished" else f"finished with a score that is {run.score}"
            sentences.append(f"seed {seed}, {label}: {what}" + (f" ({run.reason})" if run.reason else ""))
    return tuple(sentences)


# ------------------------------------------------------------------------------------------------------ in words


def sentence(comparison: Comparison) -> str:
    """The verdict in plain words, with what it rests on."""
    effect = comparison.effect
    n = len(effect.deltas)
    a, b = f"A ({comparison.a.label})", f"B ({comparison.b.label})"
    if effect.verdict == "bit-identical":
        return (
            f"Bit-identical: {b} and {a} have the same loss at every step and the same validation losses and scores, "
            f"for {_seeds(len(comparison.pairs))}. This is proved for these runs, not estimated."
        )
    if effect.verdict == "failed":
        return _failed(comparison)
    if effect.verdict == "too few seeds":
        return (
            f"Too few seeds: {n} finished {'pair' if n == 1 else 'pairs'}. Fewer than {FEWEST} cannot be evidence of "
            f"anything: with {FEWEST - 1}, p is {2 / 2 ** (FEWEST - 1):.4f} at best."
        )
    assert effect.p is not None
    missing = len(comparison.pairs) - n
    rest = f" {_missing(missing)}" if missing else ""
    if effect.verdict == "no evidence":
        return f"No evidence of a difference between {b} and {a}: {_why_not(comparison)}.{rest}"
    size = change(effect, abs(effect.mean)).removeprefix("+")
    return f"{b} is {effect.verdict} than {a} by {size} (p = {shown_p(effect.p)}, {_seeds(n)}).{rest}"


def _failed(comparison: Comparison) -> str:
    pairs = comparison.pairs
    sides = [(f"A ({comparison.a.label})", {pair.seed: pair.a for pair in pairs})]
    sides.append((f"B ({comparison.b.label})", {pair.second_seed: pair.b for pair in pairs}))
    never = [(label, runs) for label, runs in sides if _never(list(runs.values()))]
    parts = []
    for label, runs in never:
        tried = ((seed, run) for seed, run in runs.items() if not _finished(run) and run.ending != "interrupted")
        seed, run = next(tried)
        count = "its one seed" if len(runs) == 1 else f"any of {_seeds(len(runs))}"
        parts.append(f"{label} did not finish for {count} (seed {seed}: {run.reason})")
    other = [label for label, runs in sides if not _never(list(runs.values()))]
    trained = f" {other[0]} can be trained with this recipe." if other else ""
    return f"Failed: {'; '.join(parts)}.{trained} There is nothing to compare."


def _why_not(comparison: Comparison) -> str:
    effect = comparison.effect
    assert effect.p is not None
    if effect.p < ALPHA:
        answer = "commonest class" if effect.metric == "accuracy" else "mean"
        return (
            f"the finished pairs alone would say {change(effect, effect.mean)} (p = {shown_p(effect.p)}), but not with "
            f"every diverged run counted as always answering the {answer} of the training data"
        )
    drift = largest_difference(comparison.pairs)
    if drift is not None and drift < 1e-3 and comparison.a.loss == comparison.b.loss:
        return (
            f"p = {shown_p(effect.p)}; their losses, training and validation, differ by {drift:.1g} in any epoch at "
            "most, as rounding makes them where the mathematics is the same"
        )
    interval = f"{change(effect, effect.low)} to {change(effect, effect.high)}"
    return f"p = {shown_p(effect.p)}, and the interval of 95 % reaches from {interval}"


def largest_difference(pairs: Sequence[Pair]) -> float | None:
    """The largest difference between the losses of the two networks' epochs, training and validation; None if none."""
    return max(loss_differences(pairs).values(), default=None)


def loss_differences(pairs: Sequence[Pair]) -> dict[str, float]:
    """The largest differences between the two networks' ``training`` and ``validation`` losses of an epoch."""
    epochs = [both for pair in pairs for both in zip(pair.a.epochs, pair.b.epochs, strict=False)]
    if not epochs:
        return {}
    return {
        "training": max(abs(a.train_loss - b.train_loss) for a, b in epochs),
        "validation": max(abs(a.val_loss - b.val_loss) for a, b in epochs),
    }


def in_their_losses(pairs: Sequence[Pair]) -> str:
    """How far the losses lie apart at most, in words; empty where there are no epochs, or numbers."""
    told = [f"{number(value, 2)} in {name}" for name, value in loss_differences(pairs).items() if math.isfinite(value)]
    return f"Their losses of an epoch differ by at most {' and '.join(told)}." if told else ""


def _missing(count: int) -> str:
    which = "1 pair is" if count == 1 else f"{count} pairs are"
    return f"{which} missing from this: see the runs that did not finish."


def _seeds(count: int) -> str:
    return f"{count} {'seed' if count == 1 else 'seeds'}"


def of_many_tests(comparisons: Sequence[Comparison]) -> str:
    """What several tests at once must not be taken for; empty where there are not several."""
    tests = sum(one.effect.p is not None and one.effect.verdict != "bit-identical" for one in comparisons)
    if tests < 2:
        return ""
    return (
        f"{tests} tests were made: of twenty where nothing differs, one is expected to say better or worse. "
        "All are against the same runs of A: what chance did to those is in every one of them."
    )


def change(effect: Effect, value: float | None) -> str:
    """A difference of the metric as people say it: accuracy in percentage points, R² as it is."""
    if value is None or math.isnan(value):
        return "unknown"
    if math.isinf(value):
        return f"{MINUS}∞" if value < 0 else "+∞"
    sign = "+" if value > 0 else MINUS if value < 0 else ""
    if effect.metric == "accuracy":
        return f"{sign}{abs(value) * 100:.2f} points"
    return f"{sign}{abs(value):.4f} {'R²' if effect.metric == 'r2' else effect.metric}"


def tested_by(effect: Effect) -> str:
    """The test that gave ``p``: of many seeds not every choice of signs is tried."""
    return "exact sign-flip test" if len(effect.deltas) <= MOST_EXACT else "sign-flip test, drawn signs"


def shown_p(p: float) -> str:
    """A p value with two digits that mean something."""
    return f"{p:.3f}" if p >= 0.1 else f"{p:.4f}" if p >= 1e-4 else f"{p:.1g}"

"""Runs and comparisons made by hand."""

import math
from collections.abc import Sequence
from dataclasses import replace

from nnlint.compare.model import Comparison, Cost, Pair, Variant
from nnlint.compare.verdict import effect, unfinished
from nnlint.train.config import TrainConfig
from nnlint.train.results import Epoch, Trained


def epoch(number: int, loss: float, score: float) -> Epoch:
    return Epoch(number, loss, loss + 0.1, {"accuracy": score}, 1e-3, 0.5, 0.1, 1000)


def trained(score: float, digest: str = "") -> Trained:
    return Trained(
        ending="finished",
        epochs=(epoch(1, 1.0, score / 2), epoch(2, 1 - score, score)),
        metric="accuracy",
        final={"accuracy": score},
        judged_on="test",
        best_epoch=2,
        first_loss=2.3,
        expected_first_loss=2.303,
        baseline=0.1,
        steps=32,
        losses_digest=digest or f"losses-{score}",
        state_digest=f"state-{score}",
        seconds=1.0,
        settled_seconds=0.5,
        facts={"torch": "2.13.0", "threads": "1"},
    )


def diverged(baseline: float | None = 0.1) -> Trained:
    return replace(
        trained(0.0), ending="diverged", final={}, baseline=baseline, reason="the loss of step 7 is nan", epochs=()
    )


def out_of_memory() -> Trained:
    return replace(trained(0.0), ending="failed", final={}, reason="its process was ended by SIGKILL", epochs=())


def interrupted() -> Trained:
    return replace(trained(0.0), ending="interrupted", final={}, reason="stopped", epochs=())


def pairs(a: Sequence[Trained | float], b: Sequence[Trained | float]) -> tuple[Pair, ...]:
    def run(one: Trained | float) -> Trained:
        return one if isinstance(one, Trained) else trained(one)

    return tuple(
        Pair(seed, run(one), run(other), "BA" if seed % 2 else "AB")
        for seed, (one, other) in enumerate(zip(a, b, strict=True))
    )


def variant(label: str, loss: str = "cross_entropy") -> Variant:
    cost = Cost(params=1234, macs=56789, seconds=0.5, samples_per_second=2000.0, peak_bytes=3 << 20)
    return Variant(label, f"{label}.py", loss, "it gives a score for each of 10 classes", TrainConfig(), cost=cost)


def comparison(made: Sequence[Pair], metric: str = "accuracy") -> Comparison:
    a, b = variant("plain"), variant("mended")
    return Comparison(
        a=a,
        b=b,
        data="digits: 1×8×8 a sample; 1000 training, 200 validation, 300 test samples.",
        pairs=tuple(made),
        effect=effect(made, metric),
        unfinished=unfinished(made, a.label, b.label),
        facts={"torch": "2.13.0", "processes": "2"},
        seconds=math.pi,
    )

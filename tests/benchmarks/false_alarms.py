"""How often a comparison calls chance a difference: it may be one time in twenty.

Two ways. The test alone, on samples that are symmetric about zero by construction. And whole comparisons of a network
with itself: every pair is two trainings that nothing else uses, so the comparisons are independent of each other.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tables import Row

from nnlint.adapt.model import DataChoice, NetworkSource
from nnlint.compare.model import Pair
from nnlint.compare.plan import Plan, Run
from nnlint.compare.pool import Call, Pool
from nnlint.compare.statistics import ALPHA, sign_flip
from nnlint.compare.verdict import effect
from nnlint.train.config import TrainConfig
from nnlint.train.results import Trained

SAMPLES = 20_000
PAIRS = 8
#: comparisons for each round and data set: 420 in all with the default of 7 rounds
A_ROUND = 30
DATA = {"digits": 64, "breast-cancer": 30}
NETWORK = """
from torch import nn


class Small(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Flatten(), nn.Linear({inputs}, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, {outputs})
        )
"""


def rows(rounds: int) -> Iterator[Row]:
    """The shares of false alarms."""
    for name, sample in _samples(SAMPLES):
        alarms = sum(sign_flip(deltas).p < ALPHA for deltas in sample)
        yield _row(f"sign-flip test of {PAIRS} {name}", alarms, len(sample))
    for data in DATA:
        verdicts = _verdicts(data, A_ROUND * rounds)
        yield _row(f"compare A A on {data}", sum(verdict in ("better", "worse") for verdict in verdicts), len(verdicts))


def _samples(count: int) -> Iterator[tuple[str, Sequence[Sequence[float]]]]:
    generator = np.random.default_rng(0)
    yield "normal differences", generator.normal(size=(count, PAIRS)).tolist()
    yield "heavy-tailed differences (Cauchy)", generator.standard_cauchy(size=(count, PAIRS)).tolist()
    # what accuracies on 360 samples look like: few values, many ties
    right = generator.binomial(360, 0.98, size=(2, count, PAIRS)) / 360
    yield "differences of accuracies", (right[1] - right[0]).tolist()


def _row(name: str, alarms: int, count: int) -> Row:
    """The share, against the level and what chance adds to it: three standard deviations."""
    low, high = _interval(alarms, count)
    most = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / count)
    note = f"{alarms} of {count:,}; 95 % interval {low:.4f} to {high:.4f}"
    return Row(f"false alarms, {name}", alarms / count, round(most, 4), note)


def _interval(hits: int, count: int) -> tuple[float, float]:
    """Wilson's interval of a share (E. B. Wilson, 1927)."""
    z = 1.959964
    share = hits / count
    centre = share + z * z / (2 * count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (centre - half) / (1 + z * z / count), (centre + half) / (1 + z * z / count)


def _verdicts(data: str, repetitions: int) -> list[str]:
    """The verdicts of so many comparisons of a network with itself, from seeds of their own."""
    with tempfile.TemporaryDirectory() as folder, Pool(os.cpu_count() or 1) as pool:
        file = Path(folder, "small.py")
        file.write_text(NETWORK.format(inputs=DATA[data], outputs=10 if data == "digits" else 2))
        config = TrainConfig(epochs=3, device="cpu", threads=1)
        plan = Plan((NetworkSource(str(file)),), DataChoice(data), config)
        runs: dict[int, dict[int, Trained]] = {}
        for done in pool.run([_pair(plan, number) for number in range(repetitions * PAIRS)]):
            if not isinstance(done.value, Trained) or done.value.ending != "finished":
                raise SystemExit(f"a training failed: {done.value}")
            runs.setdefault(done.batch, {})[done.number] = done.value
    pairs = [Pair(number, run[0], run[1], "AB") for number, run in sorted(runs.items())]
    parts = [pairs[start : start + PAIRS] for start in range(0, len(pairs), PAIRS)]
    return [effect(part, "accuracy").verdict for part in parts]


def _pair(plan: Plan, number: int) -> list[Call]:
    seeds = (2 * number, 2 * number + 1)
    return [("nnlint.compare.runs:run", (plan, Run(0, replace(plan.config, seed=seed)))) for seed in seeds]

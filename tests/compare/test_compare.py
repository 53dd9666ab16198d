"""Whole comparisons with the real trainer, in processes."""

import math
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from nets import DEADLY, DIVERGING, NET, PLAIN, plan_of, write

from nnlint.adapt.model import DataChoice, NetworkSource
from nnlint.compare.compare import SWEEP_SEEDS, Contest, Progress, compare
from nnlint.compare.model import Comparison
from nnlint.compare.plan import Plan
from nnlint.compare.rates import around, best
from nnlint.compare.variants import of_targets
from nnlint.compare.verdict import sentence
from nnlint.errors import NnlintError
from nnlint.train.config import TrainConfig


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nets")


@pytest.fixture(scope="module")
def comparison(folder: Path) -> Comparison:
    ((one,), stopped) = compare(Contest(plan_of(folder, PLAIN, NET), seeds=6), jobs=2)
    assert not stopped
    return one


def test_six_pairs_give_a_verdict(comparison: Comparison) -> None:
    assert [pair.seed for pair in comparison.pairs] == list(range(6))
    assert [pair.order for pair in comparison.pairs] == ["AB", "BA"] * 3
    effect = comparison.effect
    assert effect.metric == "accuracy"
    assert len(effect.deltas) == 6
    assert effect.p is not None
    assert effect.verdict in ("better", "worse", "no evidence")
    assert comparison.unfinished == ()
    assert (comparison.a.label, comparison.b.label) == ("Plain", "Net")


def test_what_it_cost(comparison: Comparison) -> None:
    a, b = comparison.a.cost, comparison.b.cost
    assert a is not None
    assert b is not None
    assert a.params - b.params == 16  # a bias
    assert a.peak_bytes > 0
    assert b.samples_per_second > 0
    assert comparison.facts["threads"] == "1"
    assert comparison.facts["processes"] == "2"


def test_the_number_of_processes_changes_no_number(comparison: Comparison, folder: Path) -> None:
    ((alone,), _) = compare(Contest(plan_of(folder, PLAIN, NET), seeds=6), jobs=1)
    for one, other in zip(comparison.pairs, alone.pairs, strict=True):
        for a, b in ((one.a, other.a), (one.b, other.b)):
            assert a.ending == "finished", a.reason
            assert (a.losses_digest, a.state_digest, a.final) == (b.losses_digest, b.state_digest, b.final)
    assert comparison.effect == alone.effect
    costs = (comparison.a.cost, alone.a.cost)
    assert len({cost.peak_bytes for cost in costs if cost}) == 1


def test_in_place_is_proved_and_the_same_twice_is_not_a_proof(folder: Path) -> None:
    text = NET.replace("torch.relu(", "torch.relu_(")
    target = write(folder, NET)
    path = os.path.realpath(target.partition(":")[0])
    sources = (NetworkSource(target), NetworkSource(target, {path: text}, "in place"))
    plan = Plan(sources, DataChoice("breast-cancer"), TrainConfig(epochs=2, device="cpu"))
    ((one,), _) = compare(Contest(plan, seeds=1), jobs=1)
    assert one.effect.verdict == "bit-identical"
    assert one.pairs[0].a.steps == one.pairs[0].b.steps > 10
    assert one.pairs[0].seed_b is None

    noise = of_targets([target, target])
    config = replace(plan.config, seed=3)
    contest = Contest(replace(plan, sources=noise.sources, config=config), seeds=2, noise=noise.noise)
    ((other,), _) = compare(contest, jobs=2)
    assert [(pair.seed, pair.seed_b, pair.order) for pair in other.pairs] == [(3, 1003, "AB"), (4, 1004, "BA")]
    assert other.effect.verdict != "bit-identical"
    assert all(pair.a.losses_digest != pair.b.losses_digest for pair in other.pairs)
    assert all(pair.a.first_loss != pair.b.first_loss for pair in other.pairs)


@pytest.fixture(scope="module")
def several(folder: Path) -> list[Comparison]:
    """Against one that trains: one that ends its process, one whose loss is no number, one that cannot be opened."""
    crash = NET.replace("class Net", "class Crash").replace("torch.rand(5)", "os.kill(os.getpid(), 9)")
    comparisons, stopped = compare(Contest(plan_of(folder, NET, DEADLY, DIVERGING, crash, PLAIN), seeds=1), jobs=1)
    assert not stopped
    return list(comparisons)


def test_a_process_that_dies_and_a_loss_that_is_no_number(several: list[Comparison]) -> None:
    deadly, diverging, *_ = several
    assert (deadly.effect.verdict, diverging.effect.verdict) == ("failed", "failed")
    assert all(pair.a.ending == "finished" for pair in deadly.pairs)
    assert all(pair.b.ending == "failed" and "SIGKILL" in pair.b.reason for pair in deadly.pairs)
    assert all(pair.b.ending == "diverged" for pair in diverging.pairs)
    assert len(deadly.unfinished) == len(diverging.unfinished) == 1
    assert deadly.b.cost is None


def test_one_that_cannot_be_opened_has_failed_and_the_others_go_on(several: list[Comparison]) -> None:
    *_, crashed, good = several
    assert (crashed.effect.verdict, good.effect.verdict) == ("failed", "too few seeds")
    assert "crash.py:9" in sentence(crashed)  # where it ends its process
    assert [pair.a.losses_digest for pair in crashed.pairs] == [pair.a.losses_digest for pair in good.pairs]
    assert [run.ending for pair in good.pairs for run in (pair.a, pair.b)] == ["finished"] * 2
    assert crashed.b.label.endswith("crash.py:Crash")
    assert good.b.label == "Plain"
    assert crashed.b.cost is None
    assert good.b.cost is not None
    assert good.b.cost.peak_bytes > 0


def test_each_gets_its_own_best_rate(folder: Path) -> None:
    class Counted(Progress):
        def __init__(self) -> None:
            self.runs, self.told, self.ended = 0, list[tuple[int, int]](), False

        def begin(self, runs: int) -> None:
            self.runs = runs

        def ran(self, done: int, pairs: int, estimate: str) -> None:
            self.told.append((done, pairs))

        def end(self) -> None:
            self.ended = True

    progress = Counted()
    contest = Contest(plan_of(folder, PLAIN, NET), seeds=1, sweep=3)
    ((one,), _) = compare(contest, jobs=2, progress=progress)
    for variant in (one.a, one.b):
        assert sorted(variant.rates) == sorted(around(3e-3, 3))
        assert variant.config.lr in variant.rates
        assert variant.rates[variant.config.rate] == max(variant.rates.values())
        assert all(0 < score <= 1 for score in variant.rates.values())
    assert (progress.runs, progress.ended) == (2 * 3 * len(SWEEP_SEEDS) + 2, True)
    assert [done for done, _ in progress.told] == list(range(1, progress.runs + 1))
    assert progress.told[-1][1] == 1
    assert not set(SWEEP_SEEDS) & {pair.seed for pair in one.pairs}


def test_rates_are_spread_around_the_usual_one() -> None:
    assert around(3e-3, 1) == (0.003,)
    assert around(3e-3, 3) == (0.000949, 0.003, 0.00949)
    assert len(around(1.0, 4)) == 4
    assert math.prod(around(1.0, 4)) == pytest.approx(1, rel=0.01)


def test_of_equal_rates_the_usual_one_is_taken() -> None:
    assert best({0.001: 0.5, 0.003: 0.5, 0.009: 0.5}, usual=0.003) == 0.003
    assert best({0.001: 0.5, 0.003: 0.5, 0.01: 0.6}, usual=0.003) == 0.01
    assert best({0.001: math.nan, 0.003: math.nan, 0.01: 0.1}, usual=0.003) == 0.01
    assert best({0.001: math.nan}, usual=0.003) is None


def test_what_cannot_be_opened_is_an_error(folder: Path) -> None:
    plan = Plan(
        (NetworkSource("no_such_file.py"), NetworkSource("neither.py")), DataChoice("breast-cancer"), TrainConfig()
    )
    with pytest.raises(NnlintError, match="no_such_file"):
        compare(Contest(plan, seeds=1), jobs=1)


LOADERS = """
import torch
from torch.utils.data import DataLoader, TensorDataset

def loaders():
    x, y = torch.randn(60, 30), torch.arange(60) % 2
    make = lambda part: DataLoader(TensorDataset(x[part], y[part]), batch_size=10, shuffle=True)
    return make(slice(0, 40)), make(slice(40, 60))
"""


def test_a_loader_of_ones_own_decides_the_batch_size(folder: Path) -> None:
    own = folder / "own_data.py"
    own.write_text(LOADERS)
    plan = replace(plan_of(folder, PLAIN, NET), data=DataChoice(f"{own}:loaders"))
    ((one,), _) = compare(Contest(plan, seeds=1), jobs=1)
    assert one.pairs[0].a.steps == 4 * len(one.pairs[0].a.epochs)
    assert (one.a.config.batch_size, one.b.config.batch_size) == (10, 10)


SCRIPT = """
import contextlib, sys
from nnlint.adapt.model import DataChoice
from nnlint.cli import comparing
from nnlint.compare.compare import Progress
from nnlint.train.config import TrainConfig


class Told(Progress):
    def ran(self, done, pairs, estimate):
        print(pairs, file=sys.stderr, flush=True)


comparing._progress = lambda quiet: contextlib.nullcontext(Told())
config = TrainConfig(epochs=60, device="cpu")
data = DataChoice("breast-cancer")
asked = comparing.Asked({targets!r}, False, False, data, 40, 0, 2, (), {out!r}, None, False)
sys.exit(comparing.run(asked, config))
"""


@pytest.mark.skipif(os.name == "nt", reason="signals to a process group are POSIX")
def test_ctrl_c_shows_what_is_finished(folder: Path, tmp_path: Path) -> None:
    script = SCRIPT.format(targets=(write(folder, PLAIN), write(folder, NET)), out=str(tmp_path / "out"))
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    assert any(line == "1\n" for line in process.stderr)  # the first pair is whole
    # the terminal sends it to all processes of the group
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Stopped before all seeds were done" in out
    assert "stopped before it was done" in out
    assert "Traceback" not in err
    assert (tmp_path / "out" / "report.html").exists()

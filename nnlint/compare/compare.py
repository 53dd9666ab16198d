"""A comparison from beginning to end: describe the networks, find rates where asked, train the pairs, conclude."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from nnlint.compare.model import Comparison, Pair, Variant
from nnlint.compare.opening import RUNS, Opened, open_all
from nnlint.compare.plan import Described, Plan, Run, failed
from nnlint.compare.pool import Call, Died, Pool
from nnlint.compare.rates import around, best
from nnlint.compare.verdict import change, effect, unfinished
from nnlint.train.config import TrainConfig
from nnlint.train.results import Trained

SEEDS = 8
#: in the noise floor the second network gets these seeds on top: other weights, other order, the same network
OTHER_SEEDS = 1000
#: seeds that rates are chosen on, above the first: no network is judged on what its rate was chosen on
SWEEP_SEEDS = (100_000, 100_001)


@dataclass(frozen=True, slots=True)
class Contest:
    """What is compared: the first network against each of the others.

    Attributes:
        plan: the networks, the data and the recipe.
        seeds: how many pairs, from the recipe's seed on.
        noise: the networks are one and the same, and the second gets other seeds: what chance alone makes.
        diffs: what the text of each source has different from the first.
        fixes: the rules whose fixes each source has.
        unfixed: what is found in each source still, of what was to be fixed.
        sweep: so many learning rates are tried for each network; 0: none.
    """

    plan: Plan
    seeds: int = SEEDS
    noise: bool = False
    diffs: tuple[str, ...] = ()
    fixes: tuple[tuple[str, ...], ...] = ()
    unfixed: tuple[tuple[str, ...], ...] = ()
    sweep: int = 0


class Progress:
    """Told how far a comparison is; this one does nothing."""

    def begin(self, runs: int) -> None:
        """Before the first of so many trainings."""

    def ran(self, done: int, pairs: int, estimate: str) -> None:
        """After each training: so many are done; so many pairs are whole, whose mean difference is the estimate."""

    def end(self) -> None:
        """When no training is under way any more."""


def compare(
    contest: Contest, *, jobs: int | None = None, progress: Progress | None = None
) -> tuple[tuple[Comparison, ...], bool]:
    """Train the networks in pairs and compare them.

    The result depends on the number of processes in its seconds alone.

    Args:
        jobs: processes; None: one a core, on a GPU one.

    Returns:
        a comparison for each network but the first, and whether the user stopped it (Ctrl-C): then they hold what was
        finished. Of several networks, one that cannot be opened has failed in all its runs.

    Raises:
        NnlintError: if the data cannot be opened, or no two of the networks.
    """
    return _Work(_pinned(contest), jobs, progress or Progress()).run()


def _pinned(contest: Contest) -> Contest:
    """One thread a process: another number gives other bits, and processes would take each other's cores."""
    plan = contest.plan
    if plan.config.threads is not None or device_of(plan.config) != "cpu":
        return contest
    return replace(contest, plan=replace(plan, config=replace(plan.config, threads=1)))


def device_of(config: TrainConfig) -> str:
    """The kind of device that a recipe trains on: ``cpu``, ``cuda``, ``mps``."""
    if config.device is not None:
        return config.device.partition(":")[0]
    import torch

    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(eq=False)
class _Work:
    """A comparison under way."""

    contest: Contest
    jobs: int | None
    progress: Progress
    opened: Opened = field(init=False)
    configs: list[TrainConfig] = field(default_factory=list)
    rates: list[dict[float, float]] = field(default_factory=list)
    #: seed → variant → its run
    runs: dict[int, dict[int, Trained]] = field(default_factory=dict)
    peaks: dict[int, int] = field(default_factory=dict)
    stopped: bool = False
    done: int = 0
    used: int = 1

    @property
    def plan(self) -> Plan:
        return self.contest.plan

    @property
    def variants(self) -> range:
        return range(len(self.plan.sources))

    @property
    def described(self) -> tuple[Described, ...]:
        return self.opened.described

    @property
    def _seeds(self) -> range:
        first = self.plan.config.seed
        return range(first, first + self.contest.seeds)

    def run(self) -> tuple[tuple[Comparison, ...], bool]:
        start = time.perf_counter()
        device = device_of(self.plan.config)
        room = max(cores() // (self.plan.config.threads or 1), 1) if device == "cpu" else 1
        self.used = min(self.jobs or room, max(self.contest.seeds, 1))
        with Pool(self.used) as pool:
            self.opened = open_all(pool, self.plan)
            config = replace(self.plan.config, batch_size=self.described[0].batch_size)
            self.configs = [config for _ in self.variants]
            self.rates = [{} for _ in self.variants]
            self.progress.begin(len(self._sweep_runs()) + self.contest.seeds * len(self.opened.places))
            try:
                self._sweep(pool)
                self._train(pool, weigh=device != "cuda")
            except KeyboardInterrupt:
                self.stopped = True
            finally:
                self.progress.end()
        seconds = time.perf_counter() - start
        return tuple(self._comparison(variant, seconds) for variant in self.variants[1:]), self.stopped

    # ------------------------------------------------------------------------------------------------- rates

    def _sweep_runs(self) -> list[tuple[int, float, int]]:
        """Which variant is tried with which rate and seed. What is one network has one best rate."""
        rates = around(self.plan.config.rate, self.contest.sweep)
        variants = [0] if self.contest.noise else list(self.opened.places)
        seeds = [self.plan.config.seed + seed for seed in SWEEP_SEEDS]
        return [(variant, rate, seed) for seed in seeds for rate in rates for variant in variants]

    def _sweep(self, pool: Pool) -> None:
        asked = self._sweep_runs()
        calls = [[self._call("run", self._swept(*one))] for one in asked]
        scores: dict[tuple[int, float], list[float]] = {}
        for done in pool.run(calls):
            variant, rate, _ = asked[done.batch]
            run = self._trained(done.value, variant)
            value = run.epochs[-1].metrics.get(run.metric, math.nan) if run.ending == "finished" else math.nan
            scores.setdefault((variant, rate), []).append(value)
            self._tell()
        for (variant, rate), values in sorted(scores.items()):
            self.rates[variant][rate] = math.fsum(values) / len(values)
        if self.contest.noise:
            self.rates = [self.rates[0] for _ in self.variants]
        for variant in self.variants:
            found = best(self.rates[variant], usual=self.plan.config.rate)
            if found is not None:
                self.configs[variant] = replace(self.configs[variant], lr=found)

    def _swept(self, variant: int, rate: float, seed: int) -> Run:
        return Run(self.opened.places[variant], replace(self.plan.config, lr=rate, seed=seed), like=0)

    # ------------------------------------------------------------------------------------------------- pairs

    def _train(self, pool: Pool, *, weigh: bool) -> None:
        """A batch of calls for each seed, so that the runs of a pair meet the same load."""
        there = list(self.opened.places)
        orders = [there if turn % 2 == 0 else there[::-1] for turn in range(self.contest.seeds)]
        batches = [
            [self._call("run", self._asked(variant, seed)) for variant in order]
            for seed, order in zip(self._seeds, orders, strict=True)
        ]
        weighing = [[self._call("weigh", place)] for place in self.opened.places.values()] if weigh else []
        for done in pool.run(batches + weighing):
            if done.batch < len(batches):
                variant = orders[done.batch][done.number]
                self.runs.setdefault(self._seeds[done.batch], {})[variant] = self._trained(done.value, variant)
                self._tell()
            elif isinstance(done.value, int):
                self.peaks[there[done.batch - len(batches)]] = done.value

    def _other(self, seed: int) -> int | None:
        """The second network's seed in the pair of a seed, where it is another one."""
        return seed + OTHER_SEEDS if self.contest.noise else None

    def _asked(self, variant: int, seed: int) -> Run:
        other = self._other(seed) if variant > 0 else None
        config = replace(self.configs[variant], seed=seed if other is None else other)
        return Run(self.opened.places[variant], config, like=None if self.contest.noise else 0)

    def _call(self, name: str, *arguments: object) -> Call:
        return f"{RUNS}:{name}", (self.opened.plan, *arguments)

    def _trained(self, value: object, variant: int) -> Trained:
        if isinstance(value, Trained):
            return value
        reason = value.reason if isinstance(value, Died) else str(value)
        return failed(reason, self.described[variant].metric)

    def _tell(self) -> None:
        self.done += 1
        pairs = [pair for variant in self.opened.places if variant for pair in self._pairs(variant)]
        deltas = [pair.delta for pair in pairs if pair.delta is not None]
        # several networks have several differences, which one number would mix
        estimate = ""
        if deltas and len(self.variants) == 2:
            found = effect(pairs, self.described[0].metric)
            estimate = change(found, found.mean)
        self.progress.ran(self.done, len(pairs), estimate)

    # ---------------------------------------------------------------------------------------------- conclusion

    def _pairs(self, variant: int) -> tuple[Pair, ...]:
        reason = self.opened.reasons.get(variant)
        never = None if reason is None else failed(reason, self.described[variant].metric)
        first = self.plan.config.seed
        return tuple(
            Pair(seed, runs[0], never or runs[variant], "AB" if (seed - first) % 2 == 0 else "BA", self._other(seed))
            for seed, runs in sorted(self.runs.items())
            if 0 in runs and (never or variant in runs)
        )

    def _comparison(self, variant: int, seconds: float) -> Comparison:
        pairs = self._pairs(variant)
        labels = self._labels()
        done = {pair.seed for pair in pairs}
        missing = [f"seed {seed}: stopped before it was done" for seed in self._seeds if seed not in done]
        return Comparison(
            a=self._variant(0, [pair.a for pair in pairs], labels[0]),
            b=self._variant(variant, [pair.b for pair in pairs], labels[variant]),
            data=self.described[0].data,
            pairs=pairs,
            effect=effect(pairs, self.described[0].metric),
            diff=self.contest.diffs[variant] if self.contest.diffs else "",
            fixes=self.contest.fixes[variant] if self.contest.fixes else (),
            unfixed=self.contest.unfixed[variant] if self.contest.unfixed else (),
            unfinished=(*unfinished(pairs, labels[0], labels[variant]), *missing),
            facts=self._facts(pairs),
            seconds=seconds,
        )

    def _labels(self) -> list[str]:
        """What to call each: its label, else its name, else how it was asked for, so that no two are called alike."""
        sources = self.plan.sources
        labels = [source.label or one.name for source, one in zip(sources, self.described, strict=True)]
        if len(set(labels)) < len(labels):
            labels = [source.label or source.target for source in sources]
        return labels

    def _variant(self, index: int, runs: Sequence[Trained], label: str) -> Variant:
        from nnlint.compare.cost import cost

        described, source = self.described[index], self.plan.sources[index]
        return Variant(
            label=label,
            target=source.target,
            loss=described.loss,
            why=described.why,
            config=self.configs[index],
            notes=described.notes,
            rates=self.rates[index],
            # what is the same network takes the same bytes
            cost=cost(runs, described.params, described.macs, self.peaks.get(index)),
        )

    def _facts(self, pairs: Sequence[Pair]) -> Mapping[str, str]:
        runs = [run for pair in pairs for run in (pair.a, pair.b) if run.facts]
        facts = {"processes": str(self.used), "cores": str(cores()), "system": platform.platform()}
        if self.contest.noise:
            facts["seeds"] = f"the second network's are {OTHER_SEEDS} higher: its weights and batches are others"
        return {**(runs[0].facts if runs else {}), **facts}

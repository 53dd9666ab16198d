"""Puts the tips to the test: trains a network that follows each and one that departs, and writes what came of it.

    python examples/tips/run.py                    # everything: about half an hour on two cores
    python examples/tips/run.py --only batch-norm  # one tip, or one comparison of it
    python examples/tips/run.py --quick            # two seeds, two epochs: does it work? Nothing is written
    python examples/tips/run.py --render           # TIPS.md and the rules' pages anew from results.json

What is finished is kept in results.json and not done again, unless an experiment's file or settings have changed.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import platform
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import _render
import _results
from _experiments import EXPERIMENTS, UNMEASURED, Experiment
from _words import effect_of

#: an experiment and a recipe
Cell = tuple[Experiment, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit code: 1 if a comparison could not be made, 2 for a wrong option, 130 if stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="TIP", help="a tip, or TIP/COMPARISON")
    parser.add_argument("--quick", action="store_true", help="two seeds and two epochs, and nothing is written")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument(
        "--seeds", type=int, default=8, help="pairs of trainings (default: 8; fewer than 6 say nothing)"
    )
    parser.add_argument("--render", action="store_true", help="train nothing")
    args = parser.parse_args(arguments)
    if args.jobs < 1 or args.seeds < 1:
        parser.error("--jobs and --seeds are at least 1")
    chosen = [experiment for name in args.only or [""] for experiment in _named(name, parser)]
    if args.render:
        _write(_results.load())
        return 0
    cells = [(experiment, recipe) for experiment in dict.fromkeys(chosen) for recipe in experiment.recipes]
    try:
        return _measure(cells, seeds=2 if args.quick else args.seeds, jobs=args.jobs, quick=args.quick)
    except KeyboardInterrupt:
        print("stopped; what is finished is kept, and the same command goes on from there", file=sys.stderr)
        return 130


def _named(name: str, parser: argparse.ArgumentParser) -> list[Experiment]:
    """The experiments of a name: of a tip all, of nothing all there are."""
    found = [one for one in EXPERIMENTS if not name or name in (one.tip, one.name)]
    if not found and name in UNMEASURED:
        parser.error(f"--only {name}: this tip is not put to the test. {UNMEASURED[name]}")
    if not found:
        known = sorted({one.tip for one in EXPERIMENTS} | {one.name for one in EXPERIMENTS})
        near = difflib.get_close_matches(name, known, 1)
        tips = ", ".join(dict.fromkeys(one.tip for one in EXPERIMENTS))
        advice = f"did you mean {near[0]}?" if near else f"tips are {tips}"
        parser.error(f"--only {name}: there is no such tip; {advice}")
    return found


def _measure(cells: list[Cell], *, seeds: int, jobs: int, quick: bool) -> int:
    """Make the comparisons that are not there yet; each is kept as soon as it is finished."""
    results = _results.load()
    missing = [one for one in _prints(cells, seeds) if quick or not _is_kept(results, *one)]
    print(f"{len(cells)} comparisons, {len(cells) - len(missing)} of them made before; {seeds} seeds, {jobs} processes")
    failures: list[str] = []
    started = time.perf_counter()
    for finished, (at, values) in enumerate(_trained(missing, seeds, jobs, quick=quick), 1):
        experiment, recipe, print_of_it = missing[at]
        *pairs, about = values
        if wrong := [value for value in values if isinstance(value, Exception) or hasattr(value, "reason")]:
            failures.append(f"{experiment.name}, {recipe}: {getattr(wrong[0], 'reason', wrong[0])}")
            print(f"[{finished}/{len(missing)}] {failures[-1]}", flush=True)
            continue
        cell = _cell(pairs, about) | {"fingerprint": print_of_it}
        results.cells.setdefault(experiment.name, {})[recipe] = cell
        if not quick:
            results.facts = _facts(jobs)
            _results.save(results)
        left = (time.perf_counter() - started) / finished * (len(missing) - finished)
        said = f"{experiment.name}, {recipe}: {effect_of(cell)} ({left / 60:.0f} min left)"
        print(f"[{finished}/{len(missing)}] {said}", flush=True)
    if not quick:
        _write(_results.load())
    for failure in failures:
        print(f"not measured: {failure}", file=sys.stderr)
    return int(bool(failures))


def _prints(cells: list[Cell], seeds: int) -> list[tuple[Experiment, str, str]]:
    from _bench import fingerprint

    return [(experiment, recipe, fingerprint(experiment, recipe, seeds)) for experiment, recipe in cells]


def _is_kept(results: _results.Results, experiment: Experiment, recipe: str, print_of_it: str) -> bool:
    there = results.cell(experiment, recipe)
    return there is not None and bool(there["fingerprint"] == print_of_it)


def _trained(
    cells: list[tuple[Experiment, str, str]], seeds: int, jobs: int, *, quick: bool
) -> Iterator[tuple[int, list[Any]]]:
    """Each cell by its place, as it is finished: its pairs, and what its sides cost; or what came instead of one."""
    from nnlint.compare.pool import Call, Pool

    epochs = 2 if quick else None
    batches: list[list[Call]] = [
        [
            *(("_bench:pair", (experiment.name, recipe, seed, epochs)) for seed in range(seeds)),
            ("_bench:described", (experiment.name, recipe)),
        ]
        for experiment, recipe, _ in cells
    ]
    came: dict[int, list[Any]] = {at: [] for at in range(len(cells))}
    with Pool(min(jobs, len(batches))) as pool:
        for done in pool.run(batches):
            came[done.batch].append(done.value)
            if len(came[done.batch]) == len(batches[done.batch]):
                yield done.batch, came.pop(done.batch)


def _cell(pairs: Sequence[Any], about: tuple[Mapping[str, Any], Mapping[str, Any]]) -> dict[str, Any]:
    """A comparison as it is kept."""
    from _bench import summary

    from nnlint.compare.verdict import effect

    return {
        "effect": dataclasses.asdict(effect(pairs, pairs[0].b.metric)),
        "departing": summary([pair.a for pair in pairs], about[0]),
        "following": summary([pair.b for pair in pairs], about[1]),
    }


def _facts(jobs: int) -> dict[str, str]:
    import torch

    return {
        "torch": torch.__version__.partition("+")[0],
        "python": platform.python_version(),
        "jobs": f"{jobs} at a time",
        "machine": f"{platform.system()} {platform.machine()}, CPU, one thread a training",
    }


def _write(results: _results.Results) -> None:
    for path in _render.write(results):
        print(f"wrote {path.name}")


if __name__ == "__main__":
    sys.exit(main())

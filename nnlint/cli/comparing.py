"""What ``nnlint compare`` does: the networks chosen, compared, and the report printed and written."""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnlint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nnlint.adapt.model import DataChoice
    from nnlint.compare.compare import Progress
    from nnlint.compare.model import Comparison
    from nnlint.compare.variants import Variants
    from nnlint.train.config import TrainConfig

#: exit codes: no pair of runs finished, so that nothing was compared; the user stopped it
NOT_COMPARED, INTERRUPTED = 1, 130
PAGE = "report.html"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for beside the recipe; see the options of `nnlint.cli.compare.compare`."""

    targets: tuple[str, ...]
    fix: bool
    each: bool
    data: DataChoice
    seeds: int
    sweep: int
    jobs: int | None
    ignore: tuple[str, ...]
    out: str | None
    json: str | None
    quiet: bool


def run(asked: Asked, config: TrainConfig) -> int:
    """Compare, print, write; return the exit code.

    It is 0 whatever the verdict, 1 if no pair of runs finished, 130 if the user stopped it.

    Raises:
        NnlintError: if a network, the data or an option is wrong, or something cannot be written.
    """
    from nnlint.compare.compare import Contest, compare
    from nnlint.compare.page import render as page
    from nnlint.compare.plan import Plan
    from nnlint.compare.text import document, render

    if asked.out:
        _holds_nothing(Path(asked.out))
    variants = _variants(asked)
    folder = Path(asked.out) if asked.out else _fresh(variants)
    plan = Plan(variants.sources, asked.data, config)
    contest = Contest(
        plan,
        seeds=asked.seeds,
        noise=variants.noise,
        diffs=variants.diffs,
        fixes=variants.fixes,
        unfixed=variants.unfixed,
        sweep=asked.sweep,
    )
    with _made(folder), _progress(asked.quiet) as progress:
        if asked.json not in (None, "-"):
            _may_be_written(Path(asked.json))
        comparisons, stopped = compare(contest, jobs=asked.jobs, progress=progress)
    notes = _notes(asked, variants.notes, comparisons, stopped=stopped)
    # files first: whoever reads stdout may have gone
    _write(folder / PAGE, page(comparisons, notes=notes))
    everything = document(comparisons, notes) if asked.json is not None else ""
    if asked.json not in (None, "-"):
        _write(Path(asked.json), everything)
    print(everything if asked.json == "-" else render(comparisons, notes), end="", flush=True)
    print(f"report: {folder / PAGE}", file=sys.stderr)
    if stopped:
        return INTERRUPTED
    return 0 if any(one.effect.deltas for one in comparisons) else NOT_COMPARED


def _variants(asked: Asked) -> Variants:
    from nnlint.cli.options import split
    from nnlint.compare import variants
    from nnlint.config.apply import Configs
    from nnlint.settings import Settings

    if not asked.fix:
        if asked.ignore:
            raise UsageError("without --fix or --each no rules run", where="--ignore", help="leave it out")
        return variants.of_targets(asked.targets)
    target, *rules = asked.targets
    return variants.fixed(
        target, split(rules), each=asked.each, settings=Settings(ignore=asked.ignore), configs=Configs()
    )


def _notes(asked: Asked, given: Sequence[str], comparisons: Sequence[Comparison], *, stopped: bool) -> tuple[str, ...]:
    notes = list(given)
    judged = {run.judged_on for one in comparisons for pair in one.pairs for run in (pair.a, pair.b)}
    if asked.sweep and "val" in judged:
        notes.append("There are no test data: the rates were chosen on the data that judge, if from other seeds.")
    if stopped:
        notes.append("Stopped before all seeds were done: this is what was finished.")
    return tuple(notes)


# ------------------------------------------------------------------------------------------------------- files


def _holds_nothing(folder: Path) -> None:
    """Raise `UsageError` for a folder in which a page would replace another one, or lie among a run's files."""
    from nnlint.train.log import METRICS, SUMMARY

    if any((folder / name).exists() for name in (PAGE, METRICS, SUMMARY)):
        raise UsageError(f"{folder} holds a report already", where="--out", help="give another folder")


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """The folder of the report, made now: that it cannot be made is better known before minutes of training."""
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot be made: {error.strerror}", where=f"--out {folder}", help="choose another") from error
    try:
        yield
    except BaseException:
        for one in new:
            with suppress(OSError):  # somebody else has put something there
                one.rmdir()
        raise


def _fresh(variants: Variants) -> Path:
    """``runs/compare-NAME-N`` with the first number that is free."""
    names = dict.fromkeys(_name(source.target) for source in variants.sources)
    stem = "compare-" + "-".join(list(names)[:2])
    number = 1
    while Path("runs", f"{stem}-{number}").exists():
        number += 1
    return Path("runs", f"{stem}-{number}")


def _name(target: str) -> str:
    """A target as part of a file name: ``src/net.py:Net(10)`` is ``net-Net-10``."""
    path, colon, what = target.partition(".py:")
    stem = Path(path).name if colon else Path(target).stem
    return re.sub(r"\W+", "-", f"{stem}-{what}" if what else stem).strip("-") or "network"


def _may_be_written(path: Path) -> None:
    """That a file cannot be written is better known before minutes of training, too; nothing is changed."""
    folder = path.absolute().parent
    if path.is_dir():
        reason = "Is a directory"
    elif not folder.is_dir():
        reason = "Not a directory" if folder.exists() else "No such file or directory"
    else:
        reason = "" if os.access(path if path.exists() else folder, os.W_OK) else "Permission denied"
    if reason:
        raise UsageError(f"cannot write: {reason}", where=f"--json {path}", help="choose another place")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write: {error.strerror}", where=str(path), help="choose another place") from error


# ---------------------------------------------------------------------------------------------------- progress


def _progress(quiet: bool) -> Any:
    """A bar on a terminal's stderr; nothing where there is nobody to see it."""
    if quiet or not sys.stderr.isatty():
        return nullcontext(None)
    return _Bar()


class _Bar:
    """How many trainings are done, how many pairs are whole, and what they say so far."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("comparing"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("trainings"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[said]}"),
            console=Console(stderr=True),
            transient=True,
        )

    def __enter__(self) -> Progress:
        from nnlint.compare.compare import Progress

        bar = self._bar

        class Shown(Progress):
            def begin(self, runs: int) -> None:
                bar.start()
                self._task = bar.add_task("", total=runs, said="")

            def ran(self, done: int, pairs: int, estimate: str) -> None:
                said = f"{pairs} {'pair' if pairs == 1 else 'pairs'}" + (f", B - A {estimate}" if estimate else "")
                bar.update(self._task, completed=done, said=said)

            def end(self) -> None:
                bar.stop()

        return Shown()

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

"""What ``nnlint train`` does: data, network and recipe brought together, trained, and written down."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from nnlint.cli.telling import described, how_to_go_on, outcome
from nnlint.errors import NnlintError
from nnlint.train.objective import STATED
from nnlint.train.results import Trained
from nnlint.train.watch import Watch

if TYPE_CHECKING:
    from torch import nn

    from nnlint.adapt.model import Adapted, DataChoice
    from nnlint.train.config import TrainConfig
    from nnlint.train.data.model import Data
    from nnlint.train.distributed import World
    from nnlint.train.log import RunFolder
    from nnlint.train.objective import Objective

#: exit codes: the training did not get to its end; it did not begin; the user stopped it
NOT_FINISHED, NOT_BEGUN, INTERRUPTED = 1, 2, 130


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for beside the recipe; see the options of `nnlint.cli.train.train`.

    Attributes:
        given: the options that the user has given; the others stand at their defaults.
    """

    target: str
    data: DataChoice
    out: str | None
    resume: bool
    quiet: bool
    given: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A training with all that it needs: the network built, the data as it takes them, what judges it."""

    adapted: Adapted
    net: nn.Module
    data: Data
    objective: Objective
    config: TrainConfig


def run(asked: Asked, config: TrainConfig) -> int:
    """Train, print, write; return the exit code.

    Raises:
        NnlintError: if the data, the network or an option is wrong, or something cannot be written.
    """
    from nnlint.train.distributed import ToldElsewhereError, joined

    if asked.resume:
        asked, config = _as_begun(asked, config)
    _load_whole()
    try:
        with stopping_at_sigterm(), joined(config.device) as world:
            job = world.together(lambda: _ready(asked, config))
            show = print if world.is_writer and not asked.quiet else _nothing
            for line in described(job):
                show(line)
            folder = _folder(asked, world)
            try:
                trained = _trained(asked, job, folder, world, show)
            finally:
                folder.remove_if_empty()
    except ToldElsewhereError:
        return NOT_BEGUN
    if world.is_writer and trained.reason:
        print(f"nnlint: {trained.ending}: {trained.reason}", file=sys.stderr)
        if trained.ending == "failed" and trained.steps == 0 and job.objective.why == STATED:
            where = job.adapted.stated_at or "its file"
            print(f"  help: {where} states this loss; --loss gives it another, as cross-entropy", file=sys.stderr)
    return {"finished": 0, "interrupted": INTERRUPTED}.get(trained.ending, NOT_FINISHED)


def _as_begun(asked: Asked, config: TrainConfig) -> tuple[Asked, TrainConfig]:
    """With the options that the run was begun with, but for those that are given now.

    As they are where there is no such run: that is told when it is opened.
    """
    from nnlint.train.log import RunFolder

    try:
        begun = RunFolder.last(run_name(asked.target), asked.out).summary()
    except NnlintError:
        return asked, config
    given = set(asked.given)
    given |= {"mode"} if given & {"speed", "repro"} else set()
    knobs = _left_open(begun.get("config"), config, given)
    # of other data nothing is known
    data = {} if "data" in given else _left_open(begun.get("asked"), asked.data, given)
    return replace(asked, data=replace(asked.data, **data)), replace(config, **knobs)


def _left_open(begun: Any, now: TrainConfig | DataChoice, given: Collection[str]) -> dict[str, Any]:
    """The fields of what is asked for now that nobody has given, as the run was begun with."""
    names = {field.name for field in fields(now)}.difference(given)
    values = {name: value for name, value in begun.items() if name in names} if isinstance(begun, dict) else {}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def _ready(asked: Asked, config: TrainConfig) -> Job:
    """The data loaded and checked, the network built for them with its first weights."""
    from nnlint.adapt.model import NetworkSource
    from nnlint.adapt.ready import make_ready
    from nnlint.train.rng import seed_everything

    ready = make_ready([NetworkSource(asked.target)], asked.data, config)
    seed_everything(config.seed)
    return Job(ready.adapted[0], ready.adapted[0].build(), ready.data, ready.objectives[0], ready.config)


def _trained(asked: Asked, job: Job, folder: RunFolder, world: World, show: Callable[[str], object]) -> Trained:
    """The training itself, by this process; the first of several chooses the folder and writes."""
    from nnlint.cli.progress import Progress
    from nnlint.train.loop import train
    from nnlint.train.recorder import Recorder
    from nnlint.train.summary import summary_of
    from nnlint.train.watch import Watches

    config, data, objective = job.config, job.data, job.objective
    state = world.together(lambda: _state(asked, job, folder, show))
    if not folder.writes:
        return train(job.net, data, objective, config, watch=Watch(), resume=state, world=world)

    network = network_facts(job)
    began = asdict(asked.data)
    opening = _Opening(folder, summary_of(config, data, objective, network, asked=began))
    recorder = Recorder(folder, job.net, objective.metric, config.epochs, weights_facts(job), state)
    with closing(Progress(show, state["epoch"] if state else 0)) as progress:
        watch = Watches(progress, recorder) if state else Watches(progress, opening, recorder)
        trained = train(job.net, data, objective, config, watch=watch, resume=state, world=world)
    folder.write_summary(summary_of(config, data, objective, network, trained, asked=began))
    _write_page(folder.path / "report.html", job, trained)
    for line in outcome(trained, folder.path):
        print(line)
    if advice := how_to_go_on(trained, folder.path, sys.argv[1:], world.size):
        print(advice, file=sys.stderr)
    return trained


class _Opening(Watch):
    """Writes down what a run is asked for, once it begins: one that cannot leaves no run behind it."""

    def __init__(self, folder: RunFolder, summary: Mapping[str, Any]) -> None:
        self.folder, self.summary = folder, summary

    def begin(self, facts: Mapping[str, str], epochs: int, steps: int) -> None:  # noqa: ARG002
        """Write it."""
        self.folder.write_summary(self.summary)


def _folder(asked: Asked, world: World) -> RunFolder:
    """The folder of the run: the first process chooses it, the others read what is there."""
    from nnlint.train.log import RunFolder

    def choose() -> RunFolder | None:
        if not world.is_writer:
            return None
        name = run_name(asked.target)
        return RunFolder.last(name, asked.out) if asked.resume else RunFolder.new(name, asked.out)

    chosen = world.together(choose)
    path = world.first(str(chosen.path.resolve()) if chosen else "")
    return chosen or RunFolder(Path(path), writes=False)


def _state(asked: Asked, job: Job, folder: RunFolder, show: Callable[[str], object]) -> dict[str, Any] | None:
    """The state that a run goes on from; None for a new one.

    Raises:
        NnlintError: there is no sound state, or it is that of another training.
    """
    from nnlint.train.checkpoint import load_last
    from nnlint.train.summary import check_same

    if not asked.resume:
        return None
    if folder.writes:
        check_same(folder.summary(), job.config, job.data, job.objective, network_facts(job))
    state, notes = load_last(folder.path)
    if folder.writes:
        for note in notes:
            print(f"nnlint: {note}", file=sys.stderr)
        show(going_on(state["epoch"], job.config.epochs, folder.path))
    return state


def run_name(target: str) -> str:
    """What runs of a target are called: ``net`` for ``models/net.py:Net``, and for ``models.net:Net``."""
    file, is_file, _ = target.partition(".py")
    return Path(file).name if is_file else target.partition(":")[0].rpartition(".")[2]


def going_on(done: int, epochs: int, folder: Path) -> str:
    """Where a run goes on, or that nothing is left to do."""
    if done >= epochs:
        return f"the run in {folder} is finished: all {epochs} epochs are done; what came of it is written again"
    return f"going on after epoch {done} of {epochs} in {folder}"


def network_facts(job: Job) -> dict[str, Any]:
    """What a summary says of the network."""
    from nnlint.train.summary import layout

    adapted = job.adapted
    return {
        "target": adapted.source.target,
        "name": adapted.name,
        "outputs": adapted.outputs,
        "parameters": adapted.params,
        "macs": adapted.macs,
        "head": adapted.head,
        "view": asdict(adapted.view),
        "notes": list(adapted.notes),
        "layout": layout(job.net),
    }


def weights_facts(job: Job) -> dict[str, Any]:
    """What a file of weights says of itself."""
    data = job.data
    return {
        "target": job.adapted.source.target,
        "class": job.adapted.name,
        "adapted": list(job.adapted.notes),
        "data": data.name,
        "classes": list(data.classes),
        "shape": list(data.shape),
        # pictures were brought to this size bilinearly, antialiased where they got smaller
        "view": asdict(job.adapted.view),
        "mean": [] if data.mean is None else data.mean.tolist(),
        "std": [] if data.std is None else data.std.tolist(),
    }


def _write_page(path: Path, job: Job, trained: Trained) -> None:
    from nnlint.train import atomic
    from nnlint.train.page import render

    adapted, objective = job.adapted, job.objective
    notes = [
        f"{adapted.params:,} parameters, {adapted.macs:,} multiply-accumulates a sample",
        *adapted.notes,
        *job.data.notes,
        f"loss: {objective.loss_name}, {objective.why}",
    ]
    page = render(
        trained,
        title=f"{adapted.name} on {job.data.name}",
        network=f"{adapted.name}, {adapted.source.target}",
        data=f"{job.data.name}: {job.data.source}",
        recipe=job.config,
        notes=notes,
    )
    atomic.write_text(path, page)


def _nothing(_line: str) -> None:
    """For the processes that do not print."""


def _load_whole() -> None:
    """Import what torch imports with its first optimiser. Ctrl-C waits for it: with half of it, what there is could not
    be written."""
    before = signal.getsignal(signal.SIGINT)
    asked: list[int] = []
    waits = callable(before)  # else it is ignored, or not Python's to handle
    if waits:
        signal.signal(signal.SIGINT, lambda number, _frame: asked.append(number))
    try:
        import torch._dynamo  # noqa: F401  a second, which is spent in any case
    finally:
        if waits:
            signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt


@contextmanager
def stopping_at_sigterm() -> Iterator[None]:
    """While this is open, being terminated is like Ctrl-C: what there is gets written."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

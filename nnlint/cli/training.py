"""What ``nnlint train`` does: data, network and recipe brought together, trained, and written down."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from nnlint.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

    from nnlint.adapt.model import Adapted
    from nnlint.train.config import TrainConfig
    from nnlint.train.data.model import Data, Task
    from nnlint.train.objective import Objective
    from nnlint.train.results import Trained

#: exit codes: the training did not get to its end; the user stopped it
NOT_FINISHED, INTERRUPTED = 1, 130


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for beside the recipe; see the options of `nnlint.cli.train.train`."""

    target: str
    data: str
    column: str | None
    task: Task | None
    size: tuple[int, int] | None
    loss: str | None
    out: str | None
    resume: bool
    quiet: bool


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
    from nnlint.train.distributed import joined

    with stopping_at_sigterm(), joined(config) as world:
        job = prepared(asked, config)
        show = print if world.is_writer and not asked.quiet else _nothing
        for line in described(job, world.size):
            show(line)
        trained = _trained(asked, job, world, show)
    if world.is_writer and trained.reason:
        print(f"nnlint: {trained.ending}: {trained.reason}", file=sys.stderr)
    return {"finished": 0, "interrupted": INTERRUPTED}.get(trained.ending, NOT_FINISHED)


def prepared(asked: Asked, config: TrainConfig) -> Job:
    """The data loaded and checked, the network built for them with its first weights.

    Raises:
        NnlintError: if one of them is wrong, or they do not fit together.
    """
    from nnlint.adapt.adapt import adapt
    from nnlint.adapt.model import NetworkSource
    from nnlint.train import augment
    from nnlint.train.data.load import load_data
    from nnlint.train.data.view import viewed
    from nnlint.train.objective import objective_for
    from nnlint.train.rng import seed_everything

    data = load_data(asked.data, target=asked.column, size=asked.size, task=asked.task, seed=config.seed)
    augment.check(config.augment)
    if config.augment and len(data.shape) != 3:
        raise UsageError("only images can be shifted or flipped", where="--augment", help="leave it out")
    adapted = adapt(NetworkSource(asked.target), data, size=asked.size)
    objective = objective_for(
        data,
        adapted.head,
        adapted.outputs,
        stated=adapted.stated_loss,
        asked=asked.loss,
        label_smoothing=config.label_smoothing,
    )
    seed_everything(config.seed)
    net = adapted.build()
    return Job(adapted, net, viewed(data, adapted.view.channels, adapted.view.size), objective, config)


def described(job: Job, processes: int = 1) -> Iterator[str]:
    """What is going to be done, a line each: everything that was decided for the user is said."""
    adapted, data, config = job.adapted, job.data, job.config
    yield f"{adapted.name}: {adapted.params:,} parameters, {adapted.macs:,} multiply-accumulates a sample"
    for note in (*adapted.notes, data.source, *data.notes):
        yield f"  {note}"
    yield f"loss: {job.objective.loss_name}, {job.objective.why}"
    yield f"recipe: {recipe(config)}"
    if processes > 1:
        yield f"{processes} processes, {config.batch_size // processes} samples a step each"


def recipe(config: TrainConfig) -> str:
    """The recipe in one line."""
    parts = [
        f"{config.optimizer}, lr {config.rate:g} {config.course}, weight decay {config.decay:g}",
        f"batch {config.batch_size}, {config.epochs} epochs, seed {config.seed}",
    ]
    if config.label_smoothing:
        parts.append(f"label smoothing {config.label_smoothing:g}")
    parts += [f"{name} at random" for name in config.augment]
    if config.clip is not None:
        parts.append(f"gradients clipped to {config.clip:g}")
    return ", ".join(parts)


def _trained(asked: Asked, job: Job, world: Any, show: Callable[[str], object]) -> Trained:
    from nnlint.cli.progress import Progress
    from nnlint.train.checkpoint import load_last
    from nnlint.train.log import RunFolder
    from nnlint.train.loop import train
    from nnlint.train.recorder import Recorder
    from nnlint.train.watch import Watch, Watches

    if not world.is_writer:
        # every process goes on from the same checkpoint, which the first one has chosen
        folder = RunFolder.shared(world)
        state = load_last(folder)[0] if asked.resume else None
        return train(job.net, job.data, job.objective, job.config, watch=Watch(), resume=state, world=world)
    return _recorded(asked, job, world, show)


def _nothing(_line: str) -> None:
    """For the processes that do not print."""


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

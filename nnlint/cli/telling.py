"""What ``nnlint train`` tells before and after a training, a line each."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nnlint.cli.progress import metric
from nnlint.train.checkpoint import checkpoints
from nnlint.train.results import Trained

if TYPE_CHECKING:
    from nnlint.cli.training import Job
    from nnlint.train.config import TrainConfig
    from nnlint.train.objective import Head

#: after fewer steps nothing is to be said about the learning rate
FEW_STEPS = 50


def described(job: Job) -> Iterator[str]:
    """What is going to be done, a line each: everything that was decided for the user is said."""
    adapted, data, config = job.adapted, job.data, job.config
    yield f"{adapted.name}: {adapted.params:,} parameters, {adapted.macs:,} multiply-accumulates a sample"
    for note in (*adapted.notes, data.source, *data.notes):
        yield f"  {note}"
    yield f"loss: {job.objective.loss_name}, {job.objective.why}"
    if twice := _applied_twice(adapted.head, job.objective.loss_name):
        yield f"  {twice}"
    yield f"recipe: {recipe(config)}"


def _applied_twice(head: Head, loss: str) -> str:
    """That a loss on scores is given what it makes of them itself; empty where it is not."""
    if head == "sigmoid" and loss == "binary_cross_entropy_with_logits":
        return "its last layer is a sigmoid, which this loss applies again: nnlint rule sigmoid-before-logits-loss"
    if head == "probabilities" and loss == "cross_entropy":
        return "its last layer is a softmax, which this loss applies again: nnlint rule softmax-before-cross-entropy"
    return ""


def recipe(config: TrainConfig) -> str:
    """The recipe in one line."""
    parts = [
        f"{config.optimizer}, lr {config.rate:g} {config.course}, weight decay {config.decay:g}",
        f"batch {config.batch_size}, {_epochs(config.epochs)}, seed {config.seed}",
    ]
    if config.label_smoothing:
        parts.append(f"label smoothing {config.label_smoothing:g}")
    parts += [f"{name} at random" for name in config.augment]
    if config.clip is not None:
        parts.append(f"gradients clipped to {config.clip:g}")
    return ", ".join(parts)


def outcome(trained: Trained, folder: Path) -> Iterator[str]:
    """What came of it, and where it is."""
    if trained.expected_first_loss is not None and trained.first_loss > 2 * trained.expected_first_loss:
        yield (
            f"\nthe first loss was {trained.first_loss:.3g}, that of a network that knows nothing is "
            f"{trained.expected_first_loss:.3g}: its first scores are too large"
        )
    if trained.final:
        numbers = ", ".join(f"{name} {metric(name, value)}" for name, value in trained.final.items())
        yield f"\n{trained.judged_on}: {numbers}; {_epochs(len(trained.epochs))} in {trained.seconds:.1f} s"
        yield from _against_constant(trained)
    if trained.best_epoch:
        best = trained.epochs[trained.best_epoch - 1].metrics[trained.metric]
        said = f"{trained.metric} {metric(trained.metric, best)}"
        yield f"best on the validation data: epoch {trained.best_epoch}, {said}"
    yield f"{folder}/: " + ", ".join(sorted(path.name for path in folder.iterdir()))


def _against_constant(trained: Trained) -> Iterator[str]:
    base, score = trained.baseline, trained.score
    if base is None or score is None:
        return
    answer = "commonest class" if trained.metric == "accuracy" else "mean"
    yield f"  always answering the {answer} of the training data: {trained.metric} {metric(trained.metric, base)}"
    if not score > base:
        yield f"  the network is no better than that{_why(trained.steps)}"


def _why(steps: int) -> str:
    if steps < FEW_STEPS:
        return f" after {steps} {'step' if steps == 1 else 'steps'}, too few to learn in: give more --epochs"
    return ": it has learnt nothing (is --lr too high or too low for it?)"


def how_to_go_on(trained: Trained, folder: Path, arguments: Sequence[str], processes: int = 1) -> str:
    """The command that goes on with a run that was stopped; empty if there is nothing to go on from.

    Args:
        arguments: those of the command line that began it.
        processes: that trained together.
    """
    if trained.ending != "interrupted" or not checkpoints(folder):
        return ""
    more = [word for word in arguments if word != "--resume"]
    if "--out" not in more:
        more += ["--out", str(folder)]
    options = shlex.join([*more, "--resume"])
    if processes > 1:
        return f"go on with, in {processes} processes again: torchrun … -m nnlint {options}"
    return f"go on with: nnlint {options}"


def _epochs(count: int) -> str:
    return f"{count} epoch{'' if count == 1 else 's'}"

"""What the targets are: classes, yes or no, or numbers; found from their type and values, and said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlint.errors import UsageError
from nnlint.train.data.model import Task
from nnlint.train.data.parts import Part

#: whole numbers in a table are classes if there are at most so many different ones, of so many samples each
FEW_VALUES, SAMPLES_EACH = 20, 5
#: said where floats are taken as answers
YES_AND_NO = "the targets are 0.0 and 1.0: taken as no and yes (--task numbers if they are numbers)"
#: what to do about targets that are maps
MAPS = "a target for each pixel is segmentation, which is not trained here: one answer a sample is"
_TASKS = ("classes", "binary", "numbers")


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """The task, the names of the classes, how many outputs are to be predicted, and the targets of each part."""

    task: Task
    classes: tuple[str, ...]
    outputs: int
    of: Mapping[str, NDArray[Any]]


def found(
    parts: Mapping[str, Part], asked: Task | None, classes: tuple[str, ...], notes: list[str], *, table: bool = False
) -> Targets:
    """The targets of all parts, alike.

    Floats are numbers, texts and whole numbers are classes, and whole numbers from 0; ``asked`` overrides this.

    Args:
        parts: the parts; ``train`` or ``all`` is the one that is learnt from.
        asked: the task that was asked for.
        classes: the names of the classes, if known; else they are found.
        notes: what was decided is added here.
        table: whether whole numbers stand for themselves, as in a table: few different ones are classes, whatever
            they are, and many are numbers.

    Raises:
        UsageError: for targets that no task fits, or not the one asked for.
    """
    if asked is not None and asked not in _TASKS:
        raise UsageError(f"no task is called {asked!r}", where="--task", help=f"one of: {', '.join(_TASKS)}")
    plain = {name: _plain(part, asked, notes) for name, part in parts.items()}
    learnt = "train" if "train" in plain else "all"
    task = asked or _likely(plain, parts[learnt], plain[learnt], notes, table)
    if task == "numbers":
        return _numbers(parts, plain)
    numbered, names = _numbered(parts, plain, classes, table)
    if len(names) < 2:
        where = parts[learnt].where
        raise UsageError(f"all samples are of one class, {names[0]!r}: expected at least two", where=where)
    _known_in_training(parts, numbered, learnt, names, notes)
    if asked == "binary" and len(names) != 2:
        raise UsageError(
            f"yes or no was asked for and there are {len(names)} classes",
            where=parts[learnt].where,
            help="leave --task out, or use --task classes",
        )
    if asked is None and len(names) == 2:
        task = "binary"
    return Targets(task, names, 1 if task == "binary" else len(names), numbered)


def _plain(part: Part, asked: Task | None, notes: list[str]) -> NDArray[Any]:
    """Targets as (N,) or, for several numbers a sample, (N, K)."""
    targets: NDArray[Any] = part.targets
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    if targets.ndim > 2 or targets.dtype.kind not in "biufUS":
        raise UsageError(
            f"targets of shape {targets.shape} and type {targets.dtype}, expected (N,) class numbers, numbers or"
            " texts, or (N, K) numbers",
            where=part.where,
            help=MAPS if targets.ndim > 2 else None,
        )
    if targets.ndim == 2 and asked != "numbers" and targets.dtype.kind in "biuf" and _one_hot(targets):
        note = f"targets (N, {targets.shape[1]}) have a single 1 in each row: taken as classes"
        if note not in notes:
            notes.append(note)
        numbers: NDArray[Any] = targets.argmax(axis=1).astype(np.int64)
        return numbers
    if targets.ndim == 2 and targets.dtype.kind in "US":
        raise UsageError(f"targets of shape {targets.shape} are texts, expected one a sample", where=part.where)
    if targets.dtype.kind == "S":
        targets = np.asarray(np.char.decode(targets, "utf-8"))
    if targets.dtype.kind == "f":
        bad = ~np.isfinite(targets.reshape(len(targets), -1).astype(np.float32)).all(axis=1)
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise UsageError(
                f"the target of {part.sample(row)} is {np.ravel(targets[row])[0]}, expected a finite number",
                where=part.where,
            )
    return targets


def _one_hot(targets: NDArray[Any]) -> bool:
    return bool(((targets == 0) | (targets == 1)).all() and (targets.sum(axis=1) == 1).all())


def _likely(plain: Mapping[str, NDArray[Any]], part: Part, learnt: NDArray[Any], notes: list[str], table: bool) -> Task:
    """The task, by the targets alone."""
    if learnt.ndim == 2:
        return "numbers"
    if learnt.dtype.kind in "bU":
        return "classes"
    values = np.unique(np.concatenate([targets.ravel() for targets in plain.values()]))
    few = few_whole(values, len(learnt))
    if learnt.dtype.kind == "f":
        if yes_and_no(values):
            notes.append(YES_AND_NO)
            return "binary"
        if few:
            notes.append(said_of_whole(values, "numbers"))
        return "numbers"
    if table:
        task: Task = "classes" if few else "numbers"
        notes.append(said_of_whole(values, task))
        return task
    if len(values) > max(2, len(learnt) // 2):
        raise UsageError(
            f"the targets are {len(values)} different whole numbers in {len(learnt)} samples: classes or numbers?",
            where=part.where,
            help="say --task classes or --task numbers; or store numbers as floats",
        )
    return "classes"


def yes_and_no(values: NDArray[Any]) -> bool:
    """Whether floats are 0.0 and 1.0, both of them and nothing else."""
    return set(np.unique(values).tolist()) == {0.0, 1.0}


def few_whole(values: NDArray[Any], samples: int) -> bool:
    """Whether targets are whole numbers, and of few different values for so many samples: they may be classes."""
    different = np.unique(values)
    few = len(different) <= min(FEW_VALUES, max(2, samples // SAMPLES_EACH))
    return few and bool((different == np.floor(different)).all())


def said_of_whole(values: NDArray[Any], task: Task) -> str:
    """What whole numbers were taken as, and how they are taken otherwise."""
    other = "classes" if task == "numbers" else "numbers"
    stored = ", stored as floats" if values.dtype.kind == "f" else ""
    count = len(np.unique(values))
    return f"the targets are {count} different whole numbers{stored}: taken as {task} (--task {other} otherwise)"


def _numbers(parts: Mapping[str, Part], plain: Mapping[str, NDArray[Any]]) -> Targets:
    widths = {}
    for name, targets in plain.items():
        if targets.dtype.kind == "U":
            raise UsageError("numbers were asked for and the targets are texts", where=parts[name].where)
        widths[name] = targets.shape[1:] or (1,)
    if len(set(widths.values())) > 1:
        told = ", ".join(f"{name}: {width[0]}" for name, width in widths.items())
        raise UsageError(
            f"the parts have different numbers of targets a sample ({told})", where=parts[next(iter(parts))].where
        )
    return Targets(
        "numbers",
        (),
        next(iter(widths.values()))[0],
        {name: targets.astype(np.float32) for name, targets in plain.items()},
    )


def _numbered(
    parts: Mapping[str, Part], plain: Mapping[str, NDArray[Any]], classes: tuple[str, ...], table: bool
) -> tuple[dict[str, NDArray[Any]], tuple[str, ...]]:
    """Class numbers of each part, and the names of the classes."""
    kinds = {targets.dtype.kind == "U" for targets in plain.values()}
    if len(kinds) > 1:
        raise UsageError("the targets of some parts are texts and those of others numbers", where=_places(parts))
    if plain[next(iter(plain))].ndim == 2:
        raise UsageError("classes were asked for and each sample has several numbers", where=_places(parts))
    if kinds == {True} or (table and not classes):
        values = np.unique(np.concatenate(list(plain.values())))
        names = tuple(_name(value) for value in values)
        return {name: np.searchsorted(values, targets).astype(np.int64) for name, targets in plain.items()}, names
    for name, targets in plain.items():
        _whole_from_zero(parts[name], targets, len(classes) or None)
    numbered = {name: targets.astype(np.int64) for name, targets in plain.items()}
    if not classes:
        if all(targets.dtype.kind == "b" for targets in plain.values()):
            return numbered, ("no", "yes")
        count = max(int(targets.max()) for targets in numbered.values()) + 1
        _starts_at_zero(parts, numbered, count)
        classes = tuple(map(str, range(count)))
    return numbered, classes


def _name(value: Any) -> str:
    """A value as the name of a class: ``3`` for 3.0 too."""
    whole = not isinstance(value, str) and float(value) == int(value)
    return str(int(value)) if whole else str(value)


def _whole_from_zero(part: Part, targets: NDArray[Any], classes: int | None) -> None:
    """Targets that can be class numbers."""
    if targets.dtype.kind == "f":
        _objection(part, targets, targets != np.floor(targets), "expected whole numbers: classes are counted from 0")
    _objection(part, targets, targets < 0, "expected class numbers from 0")
    if classes is not None:
        _objection(part, targets, targets >= classes, f"expected class numbers from 0 to {classes - 1}")


def _objection(part: Part, targets: NDArray[Any], bad: NDArray[np.bool_], expected: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        more = f" ({int(bad.sum())} in all)" if bad.sum() > 1 else ""
        advice = "numbers to be predicted, not classes? --task numbers" if "whole" in expected else None
        message = f"the target of {part.sample(row)} is {targets[row]}{more}, {expected}"
        raise UsageError(message, where=part.where, help=advice)


def _starts_at_zero(parts: Mapping[str, Part], numbered: Mapping[str, NDArray[Any]], count: int) -> None:
    values = np.unique(np.concatenate(list(numbered.values())))
    samples = sum(len(targets) for targets in numbered.values())
    if values[0] > 0:
        raise UsageError(
            f"class numbers go from {values[0]} to {values[-1]}, expected them to start at 0",
            where=_places(parts),
            help=f"subtract {values[0]} from them",
        )
    if count > max(2 * len(values), samples):
        raise UsageError(
            f"class numbers go up to {values[-1]} and {len(values)} different ones occur: one is out of range, or"
            " they are not numbered one after the other",
            where=_places(parts),
            help=f"np.unique(y, return_inverse=True)[1] numbers them from 0 to {len(values) - 1}",
        )


def _known_in_training(
    parts: Mapping[str, Part],
    numbered: Mapping[str, NDArray[Any]],
    learnt: str,
    names: tuple[str, ...],
    notes: list[str],
) -> None:
    """Every class of the other parts occurs in training."""
    known = set(np.unique(numbered[learnt]).tolist())
    for name, targets in numbered.items():
        if unknown := sorted(set(np.unique(targets).tolist()) - known):
            told = ", ".join(repr(names[number]) for number in unknown[:5]) + (", …" if len(unknown) > 5 else "")
            one = len(unknown) == 1
            subject = f"class {told} of {name} never occurs" if one else f"classes {told} of {name} never occur"
            raise UsageError(
                f"{subject} in training: {'it' if one else 'they'} cannot be learnt",
                where=parts[name].where,
                help=f"add training samples of {'it, or leave it' if one else 'them, or leave them'} out",
            )
    if absent := [names[number] for number in range(len(names)) if number not in known]:
        notes.append(f"no sample is of class {', '.join(map(repr, absent[:5]))}{', …' if len(absent) > 5 else ''}")


def _places(parts: Mapping[str, Part]) -> str:
    return ", ".join(dict.fromkeys(part.where for part in parts.values()))

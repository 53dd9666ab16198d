"""From what was read to `Data`: checked, split, its statistics and what the user should know."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnlint.errors import UsageError
from nnlint.train.data.model import Arrays, Data, Task
from nnlint.train.data.overlap import check_overlap
from nnlint.train.data.parts import Part, checked
from nnlint.train.data.split import WORDS, carve, split
from nnlint.train.data.statistics import mean_and_std
from nnlint.train.data.targets import Targets, found

if TYPE_CHECKING:
    import torch

#: a class with fewer training samples is rare
RARE = 10
#: the largest class has so many times the samples of the smallest: accuracy says little
UNEVEN = 10
#: of the training samples, where no validation part was given: what 70/10 leaves
VAL_OF_TRAIN = 1 / 8


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """What a reader found.

    Attributes:
        name: as the user gave it.
        source: where it comes from.
        parts: ``all``, or ``train`` and any of ``val`` and ``test``.
        classes: their names, if known.
        notes: what the reader has to say.
        table: whether whole numbers stand for themselves, see `nnlint.train.data.targets.found`.
        scattered: whether nothing is to be said about the order of the samples: they are ordered by design.
        compared: whether parts were compared already.
        statistics: mean and standard deviation of the training inputs, if known.
    """

    name: str
    source: str
    parts: Mapping[str, Part]
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    table: bool = False
    scattered: bool = False
    compared: bool = False
    statistics: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None


def assemble(raw: Raw, task: Task | None = None) -> Data:
    """The data that training can begin with.

    Raises:
        UsageError: for whatever cannot be learnt from, with the place and what to do.
    """
    notes = list(raw.notes)
    parts = {name: checked(part, notes) for name, part in raw.parts.items()}
    _same_shapes(parts)
    targets = found(parts, task, raw.classes, notes, table=raw.table)
    given = "train" in parts and "val" in parts
    if not raw.scattered and targets.task != "numbers":
        _order(targets.of["train" if "train" in parts else "all"], notes)
    parts, of, words = _split(raw, parts, targets)
    if len(parts["train"]) < 2:
        raise UsageError(f"{len(parts['train'])} training sample, expected at least 2", where=parts["train"].where)
    if not raw.compared:
        check_overlap(parts, notes, given=given)
    if targets.task != "numbers":
        _balance(of["train"], targets.classes, notes)
    return _data(raw, parts, of, targets, words, notes)


def arrays(inputs: NDArray[Any], targets: NDArray[Any]) -> Arrays:
    """The same memory as tensors; a mapped file stays mapped."""
    return Arrays(tensor(inputs), tensor(targets))


def tensor(array: NDArray[Any]) -> torch.Tensor:
    """The same memory as a tensor."""
    import torch

    with warnings.catch_warnings():
        # a file mapped for reading: nothing here writes to it
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(array) if any(s < 0 for s in array.strides) else array)


def _same_shapes(parts: Mapping[str, Part]) -> None:
    first, *others = parts
    for other in others:
        a, b = parts[first], parts[other]
        if a.inputs.shape[1:] != b.inputs.shape[1:]:
            raise UsageError(
                f"samples of {other} have shape {b.inputs.shape[1:]} and those of {first} {a.inputs.shape[1:]}",
                where=b.where,
            )
        if a.inputs.dtype != b.inputs.dtype:
            raise UsageError(
                f"samples of {other} are {b.inputs.dtype} and those of {first} {a.inputs.dtype}: the same scale?",
                where=b.where,
                help="store both alike: uint8 from 0 to 255, or float32 on one scale",
            )


def _split(raw: Raw, parts: dict[str, Part], targets: Targets) -> tuple[dict[str, Part], dict[str, NDArray[Any]], str]:
    """Train, val and maybe test, their targets, and a word on how they came about."""
    of = dict(targets.of)
    if "all" in parts:
        whole, values = parts["all"], of["all"]
        labels = None if targets.task == "numbers" else values
        picks = dict(zip(("train", "val", "test"), split(len(whole), labels, whole.where), strict=True))
        by_class = "" if labels is None else ", stratified by class"
        return (
            {name: whole.take(indices) for name, indices in picks.items()},
            {name: values[indices] for name, indices in picks.items()},
            f"{WORDS}{by_class}",
        )
    if "val" in parts:
        return parts, of, "" if raw.compared else "split as given"
    whole, values = parts["train"], of["train"]
    labels = None if targets.task == "numbers" else values
    kept, apart = carve(len(whole), labels, VAL_OF_TRAIN, whole.where)
    changed = {**parts, "train": whole.take(kept), "val": whole.take(apart)}
    of |= {"train": values[kept], "val": values[apart]}
    words = "an eighth of the training samples set apart as val by a fixed seed"
    return changed, of, f"{words}, the test part as given" if "test" in parts else words


def _order(labels: NDArray[Any], notes: list[str]) -> None:
    if len(labels) > 20 and (np.diff(labels) >= 0).all():
        notes.append("the samples are grouped by class; the trainer shuffles them, other loops must be told to")


def _balance(labels: NDArray[Any], classes: tuple[str, ...], notes: list[str]) -> None:
    counts = np.bincount(labels, minlength=len(classes))
    rare = [f"{classes[index]!r} ({count})" for index, count in enumerate(counts) if 0 < count < RARE]
    if rare:
        told = ", ".join(rare[:5]) + (f", and {len(rare) - 5} more" if len(rare) > 5 else "")
        notes.append(f"fewer than {RARE} training samples of class {told}")
    present = counts[counts > 0]
    if present.max() >= UNEVEN * present.min():
        share = 100 * counts.max() / counts.sum()
        notes.append(
            f"classes are uneven: always saying {classes[int(counts.argmax())]!r} is right in {share:.0f} % of cases"
        )


def _data(
    raw: Raw,
    parts: Mapping[str, Part],
    of: Mapping[str, NDArray[Any]],
    targets: Targets,
    words: str,
    notes: list[str],
) -> Data:
    splits = {name: arrays(part.inputs, of[name]) for name, part in parts.items()}
    mean, std = raw.statistics or mean_and_std(parts["train"].inputs)
    numbers = targets.task == "numbers"
    target_mean, target_std = mean_and_std(of["train"]) if numbers else (None, None)
    return Data(
        name=raw.name,
        source=f"{raw.source}; {words}" if words else raw.source,
        task=targets.task,
        shape=tuple(parts["train"].inputs.shape[1:]),
        outputs=targets.outputs,
        train=splits["train"],
        val=splits["val"],
        test=splits.get("test"),
        classes=targets.classes,
        mean=_float(mean),
        std=_float(std),
        target_mean=None if target_mean is None else _float(target_mean),
        target_std=None if target_std is None else _float(target_std),
        notes=tuple(notes),
    )


def _float(values: NDArray[np.float64]) -> torch.Tensor:
    return tensor(values.astype(np.float32))

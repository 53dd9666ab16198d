"""Data sets and loaders of the user's: what they hand out is looked at before training begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    default_collate,
)

from nnlint.errors import NnlintError, UsageError
from nnlint.train.data.assemble import VAL_OF_TRAIN, tensor
from nnlint.train.data.model import Data, Stream, Task
from nnlint.train.data.overlap import MOST_BYTES, check_overlap
from nnlint.train.data.parts import Part
from nnlint.train.data.pictures import pixels_of
from nnlint.train.data.split import WORDS, carve, split
from nnlint.train.data.statistics import mean_and_std, places
from nnlint.train.data.targets import MAPS, YES_AND_NO, few_whole, said_of_whole, yes_and_no
from nnlint.train.data.view import sample

#: so many labels are read, from all over it, where a data set does not tell its classes; so many inputs for the mean
_LABELS, _INPUTS = 2000, 512
_SAMPLE = "expected (input, target): a tensor and a number"


def streamed(spec: str, parts: Mapping[str, Any], classes: tuple[str, ...], task: Task | None) -> Data:
    """Data whose samples are handed out as training goes.

    Shape, task and classes are found from the first samples and from what the data sets say of themselves (``classes``,
    ``targets``). Inputs of uint8 get the mean and deviation of some of them; others are taken as they come.

    Args:
        spec: how the user wrote it.
        parts: ``all``, or ``train`` and others: data sets by number, or loaders.
        classes: the names of the classes, if they were given.
        task: what the targets are, if it was said.

    Raises:
        UsageError: for samples that are no pair, of different shapes, or with targets that no task fits.
    """
    notes: list[str] = []
    divided, words = _divided(spec, parts, notes)
    streams = {part: _stream(one) for part, one in divided.items()}
    wheres = {part: _where(spec, part, divided[part], parts) for part in streams}
    shapes = {part: _shape(wheres[part], stream) for part, stream in streams.items()}
    if len(set(shapes.values())) > 1:
        told = ", ".join(f"{part} {shape}" for part, shape in shapes.items())
        raise UsageError(f"samples have different shapes: {told}", where=spec)
    targets = {part: _targets(wheres[part], divided[part], stream) for part, stream in streams.items()}
    chosen, names, outputs = _task(spec, divided["train"], targets, classes, task, notes)
    if chosen != "numbers":
        _order(divided["train"], notes)
    _compare(wheres, divided, notes, given="val" in parts)
    streams = {
        part: replace(stream, targets=_handed_out(divided[part], stream, targets[part], part))
        for part, stream in streams.items()
    }
    if streams["train"].loader is not None:
        notes.append("the loader makes its batches itself: --batch-size and --workers are not used")
    inputs = sample(_spread_out(streams["train"], _INPUTS), _INPUTS)
    mean, std = (None, None) if inputs.is_floating_point() else mean_and_std(inputs.numpy())
    numbers = mean_and_std(targets["train"].astype(np.float32)) if chosen == "numbers" else None
    return Data(
        name=spec,
        source=f"made by {spec}; {words}",
        task=chosen,
        shape=shapes["train"],
        outputs=outputs,
        train=streams["train"],
        val=streams["val"],
        test=streams.get("test"),
        classes=names,
        mean=None if mean is None else tensor(mean.astype(np.float32)),
        std=None if std is None else tensor(std.astype(np.float32)),
        target_mean=None if numbers is None else tensor(numbers[0].astype(np.float32)),
        target_std=None if numbers is None else tensor(numbers[1].astype(np.float32)),
        notes=tuple(notes),
    )


def _divided(spec: str, parts: Mapping[str, Any], notes: list[str]) -> tuple[dict[str, Any], str]:
    """Data sets to train on and to judge by, and how they came about."""
    if "val" in parts:
        return dict(parts), "split as given"
    if "all" not in parts and "test" in parts and isinstance(parts["train"], DataLoader):
        notes.append("there is no val part: the test part is looked at after each epoch, so that it judges less well")
        return {"train": parts["train"], "val": parts["test"]}, "split as given"
    whole = parts.get("all", parts.get("train"))
    if isinstance(whole, DataLoader):
        raise UsageError(
            "there is one loader, and nothing to judge by", where=spec, help="return (train loader, val loader)"
        )
    count = _count(spec, whole)
    labels = _known_labels(whole)
    if "all" in parts:
        picks = dict(zip(("train", "val", "test"), split(count, labels, spec), strict=True))
        words = f"{WORDS}{'' if labels is None else ', stratified by class'}"
        return {part: Subset(whole, indices.tolist()) for part, indices in picks.items()}, words
    kept, apart = carve(count, labels, VAL_OF_TRAIN, spec)
    rest = {part: one for part, one in parts.items() if part != "train"}
    pair = {"train": Subset(whole, kept.tolist()), "val": Subset(whole, apart.tolist())}
    return {**pair, **rest}, "an eighth of the training samples set apart as val by a fixed seed"


def _where(spec: str, part: str, one: Any, parts: Mapping[str, Any]) -> str:
    """What to call a part in a message: as the user gave it, since samples are called by their numbers in that."""
    if "all" in parts:
        return spec
    return f"{spec}, {part if part in parts or isinstance(one, DataLoader) else 'train'}"


def _count(spec: str, dataset: Any) -> int:
    try:
        count = len(dataset)
    except (TypeError, NotImplementedError) as error:
        raise UsageError(f"the data set does not tell its length ({error})", where=spec) from None
    if count < 2:
        raise UsageError(f"the data set has {count} samples, expected at least 2", where=spec)
    return count


def _known_labels(dataset: Any) -> Any:
    """(N,) class numbers of all samples, where a data set has them in memory; else None."""
    found = _known_targets(dataset)
    whole = found is not None and found.ndim == 1 and found.dtype.kind in "biu"
    return found.astype(np.int64) if whole else None


def _known_targets(dataset: Any) -> Any:
    """The targets of all samples, (N,) or (N, …), where a data set has them in memory; else None.

    Those of a `TensorDataset`; whole numbers that a data set has as ``targets`` or ``labels``, as torchvision's do; of
    a part of such data sets, or of several of them, theirs; of a loader those of its own part of the data set.
    """
    if isinstance(dataset, DataLoader):
        if dataset.collate_fn is not default_collate:
            return None  # it may make other targets of them
        whole, own = _known_targets(dataset.dataset), _own(dataset)
        return whole if whole is None or own is None else whole[own]
    if isinstance(dataset, Subset):
        whole = _known_targets(dataset.dataset)
        return None if whole is None else whole[np.asarray(dataset.indices, dtype=np.int64)]
    if isinstance(dataset, ConcatDataset):
        parts = [_known_targets(one) for one in dataset.datasets]
        alike = all(part is not None for part in parts) and len({(one.dtype.kind, one.shape[1:]) for one in parts}) == 1
        return np.concatenate(parts) if alike else None
    # a class made of it may hand out something else
    if type(dataset) is TensorDataset:
        return dataset.tensors[1].detach().cpu().numpy() if len(dataset.tensors) == 2 else None
    return _named_targets(dataset)


def _named_targets(dataset: Any) -> Any:
    """(N,) whole numbers that a data set has as ``targets`` or ``labels``; else None."""
    for name in ("targets", "labels"):
        found = getattr(dataset, name, None)
        if isinstance(found, (list, tuple, np.ndarray, Tensor)) and len(found) == len(dataset):
            try:
                values = np.asarray(found)
            except (ValueError, TypeError):
                continue
            if values.ndim == 1 and values.dtype.kind in "biu":
                return values
    return None


def _known_classes(dataset: Any) -> tuple[str, ...]:
    """The names that a data set gives its classes."""
    while isinstance(dataset, (Subset, DataLoader)):
        dataset = dataset.dataset
    if isinstance(dataset, ConcatDataset):
        several = {_known_classes(one) for one in dataset.datasets}
        return several.pop() if len(several) == 1 else ()
    names = getattr(dataset, "classes", None)
    return tuple(map(str, names)) if isinstance(names, (list, tuple)) and len(names) > 1 else ()


def _own(loader: DataLoader[Any]) -> Any:
    """The numbers of the samples that a loader draws from, where it divides a data set by its sampler; else None."""
    sampler = loader.sampler if loader.batch_sampler is None else getattr(loader.batch_sampler, "sampler", None)
    return np.asarray(sampler.indices, dtype=np.int64) if isinstance(sampler, SubsetRandomSampler) else None


def _goes_in_order(loader: Any) -> bool:
    """Whether a loader is known to hand out its data set from the first sample to the last."""
    batched = None if type(loader) is not DataLoader else loader.batch_sampler
    if type(batched) is not BatchSampler or type(batched.sampler) is not SequentialSampler:
        return False
    return not isinstance(loader.dataset, IterableDataset)


def _order(train: Any, notes: list[str]) -> None:
    """A loader in order, over samples that lie class by class, trains on one class after the other."""
    labels = _known_targets(train) if _goes_in_order(train) else None
    if labels is None or labels.size != len(labels) or labels.size <= train.batch_sampler.batch_size:
        return
    labels = labels.reshape(-1)
    runs = 1 + np.count_nonzero(np.diff(labels))
    if 1 < runs < len(labels) and runs == len(np.unique(labels)):
        notes.append(
            "the training loader hands the samples out in the order of their classes and does not shuffle: it may"
            " learn nothing"
        )


def _handed_out(one: Any, stream: Stream, read: Any, part: str) -> Tensor | None:
    """All targets of an epoch, where they are known: those of memory, or those of a data set that was read whole."""
    if stream.loader is None:
        return tensor(read) if len(read) == stream.samples else None
    # other samplers may hand out some twice and others never, as those do that weigh the samples
    batched = one.batch_sampler
    # what is left of a training set by one epoch comes in another
    if type(batched) is not BatchSampler or (batched.drop_last and part != "train"):
        return None
    sampler: Any = batched.sampler
    if type(sampler) not in (SequentialSampler, RandomSampler, SubsetRandomSampler) or len(sampler) != len(read):
        return None
    if getattr(sampler, "replacement", False) or _known_targets(one) is None:
        return None
    return tensor(read)


def _compare(wheres: Mapping[str, str], divided: Mapping[str, Any], notes: list[str], *, given: bool) -> None:
    """Looks for samples that training shares with the other parts, where they lie in memory.

    They are a note and no error: a loader may change its samples, and the same ones be meant.
    """
    parts = {part: _in_memory(wheres[part], one) for part, one in divided.items()}
    held = {part: one for part, one in parts.items() if one is not None}
    if "train" in held and len(held) > 1:
        check_overlap(held, notes, given=False)
    if given and len(held) < len(parts):
        notes.append("not looked for samples that the parts share: not all of them lie in memory as a `TensorDataset`")


def _in_memory(where: str, one: Any) -> Part | None:
    """The samples of a `TensorDataset`, of a part of it, or of a loader of these; else None."""
    if isinstance(one, DataLoader):
        whole, own = _in_memory(where, one.dataset), _own(one)
        return whole if whole is None or own is None else whole.take(own)
    if isinstance(one, Subset):
        whole = _in_memory(where, one.dataset)
        return None if whole is None else whole.take(np.asarray(one.indices, dtype=np.int64))
    if type(one) is not TensorDataset or len(one.tensors) != 2 or one.tensors[0].nbytes > MOST_BYTES:
        return None
    try:
        inputs, targets = (values.detach().cpu().numpy() for values in one.tensors)
    except TypeError:  # numpy has no bfloat16
        return None
    return Part(inputs, targets, where, tensors=True)


def _spread_out(stream: Stream, count: int) -> Stream:
    """A stream to look into: of a loader that goes through its data set in order, samples from all over it.

    The first batches of samples that are grouped by class would show one class alone.
    """
    loader = stream.loader
    if loader is None or not _goes_in_order(loader):
        return stream
    batched: Any = loader.batch_sampler
    spread = DataLoader(
        loader.dataset,
        batched.batch_size,
        sampler=places(len(batched.sampler), count),
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        worker_init_fn=loader.worker_init_fn,
    )
    return Stream(loader=spread, samples=stream.samples)


def _stream(one: Any) -> Stream:
    if isinstance(one, DataLoader):
        try:
            own = _own(one)
            samples: int | None = len(one.dataset if own is None else own)  # type: ignore[arg-type]
        except (TypeError, NotImplementedError):
            samples = None
        return Stream(loader=one, samples=samples)
    return Stream(dataset=Plain(one), samples=len(one))


class Plain(Dataset[Any]):
    """A data set whose pictures and arrays become tensors; whatever is one already stays as it is."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        item = self.dataset[index]
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            count = f" of {len(item)}" if isinstance(item, (tuple, list)) else ""
            raise UsageError(f"a sample is a {type(item).__name__}{count}, {_SAMPLE}")
        return _tensor(item[0]), item[1]

    def number(self, index: int) -> int:
        """The number that a sample has in the whole data set, where this is a part of one."""
        dataset = self.dataset
        while isinstance(dataset, Subset):
            index, dataset = int(dataset.indices[index]), dataset.dataset
        return index


def _tensor(value: Any) -> Any:
    """A sample's input as a tensor."""
    if isinstance(value, Tensor):
        return value
    if type(value).__module__.partition(".")[0] == "PIL":
        return torch.from_numpy(pixels_of(value).copy())
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        array = value.astype(np.float32) if value.dtype != np.uint8 or value.ndim != 3 else value
        return torch.from_numpy(np.ascontiguousarray(array))
    if isinstance(value, (list, tuple)) and value and all(isinstance(one, (int, float)) for one in value):
        return torch.tensor(value, dtype=torch.float32)
    raise UsageError(f"a sample's input is a {type(value).__name__}, expected a tensor, an array or a picture")


def _shape(where: str, stream: Stream) -> tuple[int, ...]:
    """The shape of a sample: of the first, one in the middle and the last, or of the first batch."""
    if stream.dataset is not None:
        count = len(stream.dataset)  # type: ignore[arg-type]
        if not count:
            raise UsageError("the data set is empty", where=where)
        inputs = {index: _item(where, stream.dataset, index)[0] for index in (0, count // 2, count - 1)}
        shapes = {index: tuple(one.shape) for index, one in inputs.items()}
        for index, shape in shapes.items():
            if shape != shapes[0]:
                first, other = stream.dataset.number(0), stream.dataset.number(index)  # type: ignore[attr-defined]
                raise UsageError(
                    f"sample {first} has shape {shapes[0]} and sample {other} {shape}, expected all alike",
                    where=where,
                    help="resize and crop them in the data set",
                )
        shape = shapes[0]
        _finite(where, torch.stack(list(inputs.values())))
    else:
        batch = _first_batch(where, stream)
        shape = tuple(batch[0].shape[1:])
        _finite(where, batch[0])
    if len(shape) not in (1, 3) or 0 in shape:
        raise UsageError(f"a sample has shape {shape}, expected (C, H, W) or (F,)", where=where)
    return shape


def _finite(where: str, inputs: Tensor) -> None:
    if not torch.isfinite(inputs).all():
        raise UsageError("nan or infinity in the first samples, expected finite numbers", where=where)


def _item(where: str, dataset: Any, index: int) -> tuple[Any, Any]:
    try:
        return dataset[index]  # type: ignore[no-any-return]
    except NnlintError as error:
        message = f"sample {dataset.number(index)}: {error.message}"
        raise UsageError(message, where=error.where or where, help=error.help) from error
    except Exception as error:
        message = f"sample {dataset.number(index)} cannot be had: {type(error).__name__}: {error}"
        raise UsageError(message, where=where) from error


def _first_batch(where: str, stream: Stream) -> tuple[Tensor, Tensor]:
    """The first batch of a loader, as it has to be."""
    assert stream.loader is not None
    try:
        batch = next(iter(stream.loader), None)
    except Exception as error:
        raise UsageError(f"the first batch cannot be had: {type(error).__name__}: {error}", where=where) from error
    if batch is None:
        raise UsageError("the loader has no batch", where=where)
    if not isinstance(batch, (tuple, list)) or len(batch) != 2 or not all(isinstance(one, Tensor) for one in batch):
        raise UsageError(f"a batch is a {type(batch).__name__}, expected (inputs, targets), two tensors", where=where)
    return batch[0], batch[1]


def _targets(where: str, dataset: Any, stream: Stream) -> Any:
    """The targets, or as many as say what they are, (n,) or (n, K)."""
    targets = _known_targets(dataset)
    if targets is None:
        targets = (
            _targets_of_samples(where, stream) if stream.dataset is not None else _targets_of_batches(where, stream)
        )
    if targets.ndim > 2:
        message = f"a sample's targets have shape {targets.shape[1:]}, expected one number, or (K,) numbers"
        raise UsageError(message, where=where, help=MAPS)
    return targets


def _targets_of_samples(where: str, stream: Stream) -> Any:
    """The targets of samples from all over a data set."""
    count = len(stream.dataset)  # type: ignore[arg-type]
    values = [np.asarray(_item(where, stream.dataset, index)[1]) for index in places(count, _LABELS)]
    if len({value.shape for value in values}) > 1 or any(value.dtype.kind not in "biuf" for value in values):
        odd = next((value for value in values if value.dtype.kind not in "biuf"), values[0])
        raise UsageError(f"a target is {odd!r}, expected a number, or as many for each sample", where=where)
    return np.stack(values)


def _targets_of_batches(where: str, stream: Stream) -> Any:
    """The targets of several batches of a loader: of one alone, in order, the mean would be anything."""
    loader = _spread_out(stream, _LABELS).loader
    assert loader is not None
    found: list[Any] = []
    try:
        for _, targets in loader:
            found.append(targets.detach().cpu().numpy())
            if sum(map(len, found)) >= _LABELS:
                break
    except Exception as error:
        raise UsageError(f"a batch cannot be had: {type(error).__name__}: {error}", where=where) from error
    if not found:
        raise UsageError("the loader has a batch only once", where=where, help="it is asked anew for each epoch")
    if len(shapes := {one.shape[1:] for one in found}) > 1:
        told = ", ".join(map(str, sorted(shapes)))
        raise UsageError(f"targets have different shapes: {told}", where=where)
    return np.concatenate(found)


def _task(
    spec: str,
    train: Any,
    targets: Mapping[str, Any],
    classes: tuple[str, ...],
    asked: Task | None,
    notes: list[str],
) -> tuple[Task, tuple[str, ...], int]:
    """Task, names of the classes, and the number of outputs."""
    some = np.concatenate([values.reshape(len(values), -1) for values in targets.values()])
    floats = some.dtype.kind == "f"
    if asked == "numbers" or (asked is None and floats and not yes_and_no(some)):
        if asked is None and some.shape[1] == 1 and few_whole(some, len(targets["train"])):
            notes.append(said_of_whole(some, "numbers"))
        return "numbers", (), some.shape[1]
    if asked is None and floats:
        notes.append(YES_AND_NO)
    if some.shape[1] != 1:
        raise UsageError(f"a sample has {some.shape[1]} targets, expected one class number", where=spec)
    if (some < 0).any() or (some != np.floor(some)).any():
        wrong = some[(some < 0) | (some != np.floor(some))][0]
        raise UsageError(
            f"a target is {wrong}, expected class numbers from 0", where=spec, help="--task numbers, if it is a number"
        )
    names = classes or _known_classes(train)
    highest = int(some.max())
    if names and highest >= len(names):
        raise UsageError(
            f"a target is {highest}, and there are {len(names)} classes (0 … {len(names) - 1})", where=spec
        )
    if not names:
        names = tuple(map(str, range(highest + 1)))
        counted = _counted(some, len(names))
        notes.append(f"the data set does not name its classes: {counted}; an attribute `classes` settles it")
    if len(names) < 2:
        raise UsageError(
            f"all {len(some):,} targets that were read are {highest}, expected at least two classes",
            where=spec,
            help="an attribute `classes` of the data set names those that were not met",
        )
    if asked == "binary" and len(names) != 2:
        raise UsageError(f"yes or no was asked for and there are {len(names)} classes", where=spec)
    task: Task = asked or ("binary" if len(names) == 2 else "classes")
    return task, names, 1 if task == "binary" else len(names)


def _counted(targets: Any, count: int) -> str:
    """How many classes there are by the highest of the class numbers that were read, and which of them never occur."""
    present = set(np.unique(targets).astype(int).tolist())
    absent = [number for number in range(count) if number not in present]
    if not absent:
        return f"{count} classes were found in {len(targets):,} targets"
    told = ", ".join(map(str, absent[:5])) + (", …" if len(absent) > 5 else "")
    occur = "occurs" if len(absent) == 1 else "occur"
    return f"classes 0 … {count - 1}, of which {told} never {occur} in the {len(targets):,} targets that were read"

"""Preparing: a folder of pictures decoded, resized and packed once into arrays that are mapped from then on.

What changes from epoch to epoch, augmentation, stays where it belongs: in training.
"""

from __future__ import annotations

import hashlib
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, resource_tracker
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from nnlint.errors import UsageError
from nnlint.train.data.assemble import VAL_OF_TRAIN
from nnlint.train.data.files import readable
from nnlint.train.data.folder import listed, surveyed
from nnlint.train.data.load import FORMS
from nnlint.train.data.memory import size_in_words
from nnlint.train.data.numpy_files import mapped
from nnlint.train.data.overlap import check_overlap
from nnlint.train.data.parts import Part
from nnlint.train.data.pictures import Fit, decode_all, pillow
from nnlint.train.data.prepared import LITTER, METADATA, is_prepared, not_prepared, quick_hash, written
from nnlint.train.data.split import WORDS, carve, split
from nnlint.train.data.statistics import mean_and_std
from nnlint.train.data.table import SUFFIXES as TABLES
from nnlint.train.data.whole import interrupts_held, put_in_place, temporary

#: pictures that a process decodes before it hands them over
_BATCH = 32
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be prepared.

    Attributes:
        source: a folder of pictures, see `nnlint.train.data.folder`.
        out: the folder to be made.
        size: height and width of the pictures in it.
        fit: ``crop``: the shorter side is brought to the size and the middle cut out; ``stretch``: both sides are.
        workers: processes that decode; 1: this one.
        val: the share of the training pictures that is set apart to be judged by; None: what the folder has, or
            70/10/20.
        overwrite: whether ``out`` may be replaced, if it is a prepared folder.
    """

    source: Path
    out: Path
    size: tuple[int, int]
    fit: Fit = "crop"
    workers: int = 1
    val: float | None = None
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Packed:
    """What was prepared: samples of each part, the shape of one, the classes, bytes on the disk, and what to know."""

    samples: Mapping[str, int]
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    bytes: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """The files of each part and their labels."""

    files: dict[str, tuple[Path, ...]]
    labels: dict[str, NDArray[np.int64]]
    words: str


def pack(request: Request, progress: Progress = lambda done, total: None) -> Packed:  # noqa: ARG005
    """Prepare a folder. It appears whole or not at all: it is written beside its place and renamed at the end.

    Args:
        request: what is to be prepared.
        progress: called with the pictures done, and all of them.

    Raises:
        UsageError: for a folder without such pictures, one that cannot be decoded, a place that is taken, a full disk.
    """
    out = request.out.absolute()
    _free(request, out)
    _is_folder(request.source)
    pillow()
    found = listed(request.source, str(request.source))
    survey = surveyed([file for files in found.files.values() for file in files])
    plan = _planned(request, found.files, found.labels)
    shape = (survey.channels, *request.size)
    total = sum(map(len, plan.files.values()))
    _has_room(out.parent, total * shape[0] * shape[1] * shape[2])
    notes = [*found.notes, *survey.notes]
    with temporary(out) as folder:
        _write(request, plan, shape, folder, lambda done: progress(done, total))
        parts = {
            part: Part(mapped(folder / f"{part}_x.npy"), plan.labels[part], str(request.source), tuple(map(str, files)))
            for part, files in plan.files.items()
        }
        check_overlap(parts, notes, given="val" in found.files)
        mean, std = mean_and_std(parts["train"].inputs)
        samples = {part: len(files) for part, files in plan.files.items()}
        _describe(
            folder,
            {
                "source": f"{total:,} pictures of {request.source}",
                "split": plan.words,
                "fit": request.fit,
                "shape": shape,
                "classes": found.classes,
                "parts": samples,
                "mean": mean.tolist(),
                "std": std.tolist(),
                "notes": notes,
            },
        )
        written_bytes = sum(file.stat().st_size for file in folder.iterdir())
        del parts  # a mapped file cannot be renamed everywhere
        with interrupts_held():
            put_in_place(folder, out)
    return Packed(samples, shape, found.classes, written_bytes, tuple(notes))


# ------------------------------------------------------------------------------------------------ before anything


def _free(request: Request, out: Path) -> None:
    """The place is free, or may be made so."""
    source = request.source.absolute()
    if out == source or out.is_relative_to(source):
        raise UsageError("it lies in the folder that is read", where=str(request.out), help="name another place")
    if not out.parent.is_dir():
        raise UsageError(f"there is no folder {request.out.parent}", where=str(request.out), help="make it first")
    if not out.exists() and not out.is_symlink():
        return
    if out.is_dir() and not out.is_symlink() and not any(path.name not in LITTER for path in out.iterdir()):
        return
    if not is_prepared(out):
        raise UsageError(
            "it exists, and nnlint did not prepare it: it is left alone",
            where=str(request.out),
            help="name another place, or delete it yourself",
        )
    if not request.overwrite:
        raise UsageError("it was prepared before", where=str(request.out), help="--overwrite replaces it")
    if others := not_prepared(out):
        told = ", ".join(others[:5]) + (f", and {len(others) - 5} more" if len(others) > 5 else "")
        raise UsageError(
            f"it holds what nnlint did not prepare, and what would be lost: {told}",
            where=str(request.out),
            help="take it out of the folder first, or name another place",
        )


def _is_folder(source: Path) -> None:
    """A file has nothing to prepare: what is said depends on whether it can be trained on as it is."""
    with readable(source):
        if not source.is_file():
            return
    column = " --target COLUMN" if source.suffix.lower() in TABLES else ""
    if source.suffix.lower() in (".npz", ".npy", *TABLES):
        advice = f"arrays and tables need no preparing: nnlint train NET.py --data {source}{column}"
    else:
        advice = f"what else can be trained on needs no preparing, nnlint train --data takes it as it is: {FORMS}"
    raise UsageError(
        "a file, expected a folder of pictures: SRC/train/CLASS/*.png or SRC/CLASS/*.png",
        where=str(source),
        help=advice,
    )


def _planned(request: Request, files: Mapping[str, tuple[Path, ...]], labels: Mapping[str, NDArray[np.int64]]) -> _Plan:
    """The parts: as the folder has them, or split."""
    name, share = str(request.source), request.val
    if "val" in files:
        if share is not None:
            raise UsageError(f"{name} has a val part already", where="--val", help="leave it out")
        return _Plan(dict(files), dict(labels), "split as given")
    if share is not None and not 0 < share < 1:
        raise UsageError(f"{share} is no share, expected a number between 0 and 1", where="--val")
    whole = "all" if "all" in files else "train"
    count = len(files[whole])
    if "all" in files and share is None:
        picks = dict(zip(("train", "val", "test"), split(count, labels["all"], name), strict=True))
        words = f"{WORDS}, stratified by class"
    else:
        kept, apart = carve(count, labels[whole], VAL_OF_TRAIN if share is None else share, name)
        picks = {"train": kept, "val": apart}
        words = f"{len(apart):,} of {count:,} training pictures set apart as val by a fixed seed"
    chosen = {part: tuple(files[whole][index] for index in indices) for part, indices in picks.items()}
    numbers = {part: labels[whole][indices] for part, indices in picks.items()}
    if "test" in files:
        chosen["test"], numbers["test"] = files["test"], labels["test"]
    return _Plan(chosen, numbers, words)


def _has_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UsageError(
            f"the pictures will take {size_in_words(needed)}, and {size_in_words(free)} are free on the disk",
            where=str(folder),
            help="a smaller --size takes less: half of it a quarter",
        )


# ---------------------------------------------------------------------------------------------------- the arrays


def _write(
    request: Request, plan: _Plan, shape: tuple[int, int, int], folder: Path, progress: Callable[[int], None]
) -> None:
    done = 0
    with _decoder(request, shape[0]) as decoded:
        for part, files in plan.files.items():
            with (folder / f"{part}_x.npy").open("wb") as stream:
                _header(stream, (len(files), *shape))
                for pixels in decoded(files):
                    stream.write(pixels.data)
                    done += len(pixels)
                    progress(done)
            np.save(folder / f"{part}_y.npy", plan.labels[part])


def _header(stream: BinaryIO, shape: tuple[int, ...]) -> None:
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})


@contextmanager
def _decoder(request: Request, channels: int) -> Iterator[Callable[[Sequence[Path]], Iterator[NDArray[np.uint8]]]]:
    """What yields the pixels of files, in order, decoded by so many processes."""

    def batches(files: Sequence[Path]) -> list[Sequence[Path]]:
        return [files[start : start + _BATCH] for start in range(0, len(files), _BATCH)]

    if request.workers <= 1:
        yield lambda files: (decode_all(some, channels, request.size, request.fit) for some in batches(files))
        return
    # spawned: a copy of a process with threads of its own (torch's, the progress bar's) may hang
    if hasattr(signal, "pthread_sigmask"):
        # started with the first process otherwise, and it lets the signals through that are held then
        resource_tracker.ensure_running()
    pool = ProcessPoolExecutor(request.workers, mp_context=get_context("spawn"), initializer=_leave_interrupts)

    def decoded(files: Sequence[Path]) -> Iterator[NDArray[np.uint8]]:
        # a few batches ahead and no more: whole data sets do not fit the memory
        waiting: list[Any] = []
        for some in batches(files):
            with interrupts_held():
                waiting.append(pool.submit(decode_all, some, channels, request.size, request.fit))
            if len(waiting) > 2 * request.workers:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()

    try:
        yield decoded
    except BrokenProcessPool as error:
        raise UsageError(
            "a process that decodes was killed, by the system if memory ran out",
            where=str(request.source),
            help=f"fewer of them need less: --workers {max(1, request.workers // 2)}",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _leave_interrupts() -> None:
    """Ctrl-C reaches all processes of a terminal: the first one ends the others, and says what there is to say."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _describe(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write the metadata: what was prepared, and of each file its size and hashes."""
    from nnlint import __version__

    files = {}
    whole = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        files[path.name] = {"bytes": path.stat().st_size, "quick": quick_hash(path), "sha256": digest}
        whole.update(f"{path.name} {digest}\n".encode())
    text = written({"nnlint": __version__, **facts, "files": files, "sha256": whole.hexdigest()})
    (folder / METADATA).write_text(text, encoding="utf-8")

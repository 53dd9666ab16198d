"""Folders of pictures: ``root/train/CLASS/*.png`` and ``root/val/CLASS/*.png``, or ``root/CLASS/*.png``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnlint.errors import UsageError
from nnlint.train.data.assemble import Raw, assemble
from nnlint.train.data.files import readable
from nnlint.train.data.memory import free_memory, size_in_words
from nnlint.train.data.model import Data, Task
from nnlint.train.data.parts import Part
from nnlint.train.data.pictures import SUFFIXES, Header, all_or_error, attempted, decode, header, pillow

#: what folders of parts are called
_NAMES = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
PARTS = ("train", "val", "test")
_LAYOUT = "expected root/train/CLASS/*.png and root/val/CLASS/*.png, or root/CLASS/*.png"
#: Pillow decodes outside Python's lock: so many threads read at once
_THREADS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Listing:
    """The pictures of a folder.

    Attributes:
        files: part (``all``, or ``train`` and others) → the files, class by class.
        labels: part → the class number of each file.
        classes: their names, sorted.
        notes: files that are not used.
    """

    files: Mapping[str, tuple[Path, ...]]
    labels: Mapping[str, NDArray[np.int64]]
    classes: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """What the headers say: the channels that fit all pictures, their common size, and two that differ in it."""

    channels: int
    size: tuple[int, int] | None
    differing: tuple[str, str] | None
    notes: tuple[str, ...]


def load_folder(root: Path, name: str, size: tuple[int, int] | None, task: Task | None) -> Data:
    """All pictures of a folder, decoded once, as uint8 (N, C, H, W) in memory.

    Raises:
        UsageError: for a folder with another layout, pictures of different sizes without ``size``, a picture that
            cannot be decoded, or more of them than fit the memory.
    """
    if task == "numbers":
        raise UsageError("a folder of pictures has classes, no numbers", where="--task", help="leave it out")
    pillow()
    found = listed(root, name)
    survey = surveyed([file for files in found.files.values() for file in files])
    chosen = size or survey.size
    if chosen is None:
        first, second = survey.differing or ("", "")
        raise UsageError(
            f"pictures have different shapes: {first}, {second}",
            where=name,
            help="--size 64 brings them to one size (the shorter side is resized, the middle cut out)",
        )
    count = sum(map(len, found.files.values()))
    _fits(count * survey.channels * chosen[0] * chosen[1], count, name)
    parts = {
        part: Part(
            decoded(files, survey.channels, chosen),
            found.labels[part],
            str(root if part == "all" else Path(name, part)),
            tuple(str(file) for file in files),
        )
        for part, files in found.files.items()
    }
    notes = (*found.notes, *survey.notes)
    if size is not None and survey.size != size:
        notes += (f"pictures were brought to {size[0]} × {size[1]} pixels: shorter side resized, middle cut out",)
    source = f"{count:,} pictures of {name}"
    return assemble(Raw(name, source, parts, classes=found.classes, notes=notes, scattered=True), task)


def listed(root: Path, name: str) -> Listing:
    """The pictures of a folder, in an order that does not depend on the file system.

    Raises:
        UsageError: if the layout is another one.
    """
    with readable(root):
        folders = _folders(root)
        parts: dict[str, Path] = {
            _NAMES[folder.name.lower()]: folder for folder in folders if folder.name.lower() in _NAMES
        }
        if parts and "train" not in parts:
            raise UsageError(f"there is {', '.join(sorted(parts))} and no train", where=name, help=_LAYOUT)
        _no_doubles(folders, name)
        roots: dict[str, Path] = {part: parts[part] for part in PARTS if part in parts} or {"all": root}
        ignored = [folder.name for folder in folders if parts and folder.name.lower() not in _NAMES]
        found = {part: _classes(folder, name) for part, folder in roots.items()}
    classes = tuple(sorted(found[next(iter(found))]))
    for part, of in found.items():
        if unknown := sorted(set(of) - set(classes)):
            raise UsageError(
                f"class {unknown[0]!r} of {part} does not occur in train: it cannot be learnt",
                where=str(roots[part]),
                help=f"add {Path(roots['train'], unknown[0])}, or take it out; classes of train: {_few(classes)}",
            )
    files = {part: tuple(file for one in classes for file in of.get(one, ())) for part, of in found.items()}
    numbers = {part: [classes.index(one) for one in classes for _ in of.get(one, ())] for part, of in found.items()}
    labels = {part: np.array(values, dtype=np.int64) for part, values in numbers.items()}
    notes = (f"not used: the folders {_few(ignored)} beside train",) if ignored else ()
    return Listing(files, labels, classes, notes)


def _no_doubles(folders: Sequence[Path], name: str) -> None:
    """No part has two folders, such as ``val`` and ``validation``."""
    seen: dict[str, str] = {}
    for one in folders:
        part = _NAMES.get(one.name.lower(), "")
        if part and part in seen:
            raise UsageError(f"{seen[part]} and {one.name} are both the {part} part", where=name, help=_LAYOUT)
        seen[part] = one.name


def surveyed(files: Sequence[Path]) -> Survey:
    """What the headers of pictures say.

    Raises:
        UsageError: for files that are no pictures.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        headers = all_or_error(list(pool.map(lambda file: attempted(header, file), files)))
    channels = max(one.channels for one in headers)
    grey = sum(one.channels == 1 for one in headers)
    notes = (f"{grey:,} of {len(headers):,} pictures are grey and were given three channels",)
    first = headers[0]
    size = (first.height, first.width)
    other = next((index for index, one in enumerate(headers) if (one.height, one.width) != size), None)
    differing = None
    if other is not None:
        differing = (f"{files[0]} is {_pixels(first)}", f"{files[other]} is {_pixels(headers[other])}")
    return Survey(channels, None if differing else size, differing, notes if channels == 3 and grey else ())


def decoded(files: Sequence[Path], channels: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Pictures as uint8 (N, C, H, W).

    Raises:
        UsageError: for those that cannot be decoded.
    """
    pixels = np.empty((len(files), channels, *size), dtype=np.uint8)

    def one(index: int) -> None:
        pixels[index] = decode(files[index], channels, size)

    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            all_or_error(list(pool.map(lambda index: attempted(one, index), range(len(files)))))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return pixels


def _classes(folder: Path, name: str) -> dict[str, list[Path]]:
    """The class folders of a part, and their pictures, however deep."""
    found = {}
    for one in _folders(folder):
        walk = os.walk(one, onerror=_raise)
        files = sorted(Path(place, file) for place, _, names in walk for file in names if _is_picture(file))
        if not files:
            raise UsageError(
                "a class folder without pictures",
                where=str(one),
                help=f"put some in, or take the folder out; pictures end in {_few(sorted(SUFFIXES))}",
            )
        found[one.name] = files
    if not found:
        loose = any(_is_picture(entry.name) for entry in folder.iterdir())
        raise UsageError(
            "pictures lie here without a folder for each class" if loose else "there is no folder of a class in it",
            where=str(folder) if folder.name else name,
            help=_LAYOUT,
        )
    return found


def _raise(error: OSError) -> None:
    raise error


def _folders(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _is_picture(file: str) -> bool:
    return not file.startswith(".") and Path(file).suffix.lower() in SUFFIXES


def _fits(needed: int, count: int, name: str) -> None:
    free = free_memory()
    if free is not None and needed > free // 2:
        raise UsageError(
            f"{count:,} pictures take {size_in_words(needed)}, and {size_in_words(free)} of memory are free",
            where=name,
            help=f"nnlint prepare {name} OUT --size 64 packs them once into files that are mapped, not read at once",
        )


def _pixels(one: Header) -> str:
    return f"{one.height} × {one.width}"


def _few(words: Sequence[str]) -> str:
    return ", ".join(words[:8]) + (", …" if len(words) > 8 else "")

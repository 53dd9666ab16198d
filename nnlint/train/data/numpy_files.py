"""Arrays of numpy: one ``.npz`` file, or ``.npy`` files that are mapped into memory.

* ``NAME.npz`` holds ``x`` and ``y``; or ``x_train``, ``y_train`` and a ``val`` pair, a ``test`` pair or both;
  optionally ``classes``, the names of the classes. ``train_x`` is as good as ``x_train``, and ``X`` as ``x``.
* A folder holds ``train_x.npy``, ``train_y.npy`` and likewise ``val_…``, ``test_…``; or ``x.npy`` and ``y.npy``.
* ``x.npy`` or ``NAME_x.npy`` given as a file stands beside ``y.npy`` or ``NAME_y.npy``.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlint.errors import UsageError
from nnlint.train.data.assemble import Raw
from nnlint.train.data.files import readable
from nnlint.train.data.memory import free_memory, size_in_words
from nnlint.train.data.parts import Part

PARTS = ("train", "val", "test")
_KEYS = "expected x and y, or x_train, y_train with x_val, y_val or x_test, y_test or all of them"
_KEY = re.compile(
    r"(?:(?P<a>[xy])(?:_(?P<part>train|val|test))?|(?P<part2>train|val|test)_(?P<b>[xy]))\Z", re.IGNORECASE
)
_PICKLED = "store plain arrays of numbers or texts; pickled objects are not read, they can run code"


def read_npz(path: Path, name: str) -> Raw:
    """The arrays of an ``.npz`` file, in memory.

    Raises:
        UsageError: if it is none, is cut short, or lacks an array.
    """
    with _read(path, "an .npz file"):
        stored = np.load(path, allow_pickle=False)
    if not isinstance(stored, np.lib.npyio.NpzFile):
        raise UsageError("it holds a single array, expected an .npz file", where=name, help=f"name it .npy; {_KEYS}")
    with stored:
        _fits(path, name)
        keys: dict[tuple[str, str], str] = {}
        extra = []
        for key in stored.files:
            if (match := _KEY.fullmatch(key)) is None:
                extra += [key] if key != "classes" else []
                continue
            place = ((match["part"] or match["part2"] or "all").lower(), (match["a"] or match["b"]).lower())
            if place in keys:
                raise UsageError(f"{keys[place]!r} and {key!r} are the same array", where=name, help=_KEYS)
            keys[place] = key
        parts = _complete({part for part, _ in keys}, set(keys), name, stored.files)
        arrays = {}
        for place, key in keys.items():
            with _read(path, f"array {key!r}"):
                arrays[place] = _array(stored[key], name, key)
        classes: tuple[str, ...] = ()
        if "classes" in stored.files:
            with _read(path, "array 'classes'"):
                classes = tuple(str(one) for one in np.ravel(stored["classes"]))
    notes = (f"not used: {', '.join(extra)} in {name}",) if extra else ()
    found = {part: Part(arrays[part, "x"], arrays[part, "y"], name) for part in parts}
    return Raw(name, f"arrays of {name}", found, classes=classes, notes=notes)


def read_npy(path: Path, name: str) -> Raw:
    """An array of inputs, mapped, and the targets beside it.

    Raises:
        UsageError: if either is no such file.
    """
    if (match := re.fullmatch(r"(|.*_)x", path.stem)) is None:
        raise UsageError(
            "which file holds the targets?",
            where=name,
            help="call them x.npy and y.npy, or NAME_x.npy and NAME_y.npy; or store both in one .npz",
        )
    targets = path.with_name(f"{match[1]}y.npy")
    if not targets.exists():
        raise UsageError(f"its targets are expected beside it, in {targets.name}", where=name)
    return Raw(name, f"arrays of {name}", {"all": Part(mapped(path), mapped(targets), name)})


def is_array_folder(folder: Path) -> bool:
    """Whether arrays are stored in a folder by the names above."""
    return any((folder / f"{stem}_x.npy").exists() for stem in PARTS) or (folder / "x.npy").exists()


def read_array_folder(folder: Path, name: str) -> Raw:
    """The arrays of a folder, mapped.

    Raises:
        UsageError: if one is missing or no such file.
    """
    with readable(folder):
        present = sorted(path.name for path in folder.iterdir() if path.suffix == ".npy")
    keys = {}
    for file in present:
        if match := re.fullmatch(r"(?:(train|val|test)_)?([xy])\.npy", file):
            keys[match[1] or "all", match[2]] = file
    parts = _complete({part for part, _ in keys}, set(keys), name, present)
    found = {
        part: Part(mapped(folder / keys[part, "x"]), mapped(folder / keys[part, "y"]), str(Path(name, keys[part, "x"])))
        for part in parts
    }
    extra = [file for file in present if file not in keys.values()]
    return Raw(name, f"arrays of {name}", found, notes=(f"not used: {', '.join(extra)}",) if extra else ())


def mapped(path: Path) -> NDArray[Any]:
    """An ``.npy`` file mapped for reading.

    Raises:
        UsageError: if it is none, holds objects or is cut short.
    """
    with _read(path, "an .npy file"):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    if isinstance(array, np.lib.npyio.NpzFile):
        array.close()
        raise UsageError("it is an .npz file, expected .npy", where=str(path), help="name it .npz")
    return _array(array, str(path), None)


def _complete(parts: set[str], keys: set[tuple[str, str]], name: str, present: list[str]) -> list[str]:
    """The parts, if they are whole and there is something to train on."""
    told = ", ".join(present[:12]) or "nothing"
    for part in sorted(parts):
        for one, other in (("x", "y"), ("y", "x")):
            if (part, one) in keys and (part, other) not in keys:
                of = "" if part == "all" else f" of {part}"
                raise UsageError(f"there is {one}{of} and no {other}{of} (found: {told})", where=name, help=_KEYS)
    if "all" in parts and len(parts) > 1:
        both = "both one data set and parts of one"
        raise UsageError(f"{both} (found: {told})", where=name, help=_KEYS)
    if "all" not in parts and not {"train"} < parts and parts != {"train"}:
        raise UsageError(f"there is nothing to train on (found: {told})", where=name, help=_KEYS)
    return ["all"] if parts <= {"all", "train"} and "all" in parts else [part for part in PARTS if part in parts]


def _array(array: Any, name: str, key: str | None) -> NDArray[Any]:
    where = f"{name}: {key}" if key else name
    if not isinstance(array, np.ndarray):
        raise UsageError("it is no array: the file is a zip of something else", where=where, help=_KEYS)
    if array.dtype.names:
        raise UsageError(f"a table with columns {array.dtype.names}, expected plain numbers", where=where)
    return array


def _fits(path: Path, name: str) -> None:
    """An archive may be much larger unpacked than the memory."""
    with _read(path, "an .npz file"), zipfile.ZipFile(path) as archive:
        needed = sum(entry.file_size for entry in archive.infolist())
    free = free_memory()
    if free is not None and needed > free // 2:
        raise UsageError(
            f"its arrays take {size_in_words(needed)}, and {size_in_words(free)} of memory are free",
            where=name,
            help="store them as train_x.npy, train_y.npy, … in a folder: those are mapped, not read at once",
        )


@contextmanager
def _read(path: Path, what: str) -> Iterator[None]:
    """What numpy raises for a file that is not what it should be, as an error that says so."""
    try:
        with readable(path):
            if not path.stat().st_size:
                raise UsageError(f"the file is empty, expected {what}", where=str(path))
            yield
    except (ValueError, EOFError, KeyError, SyntaxError, zipfile.BadZipFile, zlib.error) as error:
        told = str(error)
        if "allow_pickle" in told or "pickle" in told.lower():
            if "Object arrays" in told:
                raise UsageError(f"{what} holds Python objects", where=str(path), help=_PICKLED) from error
            # numpy takes whatever it does not know for a pickle
            makes = "np.savez(file, x=inputs, y=targets)" if path.suffix.lower() == ".npz" else "np.save(file, array)"
            message = f"it is not {what}, and nothing else that numpy stores, whatever it is called"
            raise UsageError(message, where=str(path), help=f"{makes} writes one") from error
        cut = any(word in told for word in ("mmap length", "cannot reshape", "EOF", "Truncated", "truncated", "end of"))
        problem = f"{what} is cut short or damaged" if cut else f"{what} cannot be read"
        raise UsageError(f"{problem}: {told}", where=str(path), help="write or copy the file anew") from error

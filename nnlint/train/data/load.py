"""`load_data`: data in any form, told apart by what they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nnlint.errors import UsageError
from nnlint.train.data.embedded import NAMES, load_embedded
from nnlint.train.data.files import near, readable
from nnlint.train.data.model import Data, Task

#: the forms, as an error lists them
FORMS = (
    f"a name ({', '.join(NAMES)}); a folder of images, root/train/CLASS/*.png and root/val/CLASS/*.png; a folder"
    " written by `nnlint prepare`; a .npz file with x and y; a folder with train_x.npy and train_y.npy; x.npy beside"
    " y.npy; a .csv file with --target COLUMN; module:function or file.py:function"
)
_FUNCTION = re.compile(r"(?P<place>.+):(?P<name>[A-Za-z_]\w*)")


def load_data(
    spec: str,
    *,
    target: str | None = None,
    size: tuple[int, int] | None = None,
    task: Task | None = None,
    seed: int = 0,
) -> Data:
    """The data that ``spec`` names, checked, with the statistics of the training part.

    Data in one piece are split 70/10/20 into train, val and test, by class, by a fixed seed.

    Args:
        spec: see `FORMS`. A name of an embedded data set is that data set; ``./digits`` is the folder.
        target: the column to be predicted; of a table alone.
        size: pixels (height, width) that images are brought to: of picture files the shorter side is resized and the
            middle cut out, other images are stretched, see `nnlint.train.data.view.viewed`.
        task: what the targets are, where their type and values leave a choice.
        seed: of torch's random numbers while a function of the user's makes its data; nothing else depends on it.

    Raises:
        UsageError: for an unknown name, a file or folder that is none of the forms, or data that cannot be learnt
            from: where, what was found, what was expected, what to do.
    """
    if size is not None and min(size) < 1:
        raise UsageError(f"images cannot be {size[0]} × {size[1]} pixels", where="--size")
    notes, read = _reader(spec, target, size, task, seed)
    data = read()
    if size is not None and len(data.shape) != 3:
        raise UsageError(f"samples have shape {data.shape}: only images have a size", where="--size")
    if size is not None and data.shape[1:] != size:
        from nnlint.train.data.view import viewed

        data = viewed(data, None, size)
    return replace(data, notes=(*notes, *data.notes)) if notes else data


def _reader(
    spec: str, target: str | None, size: tuple[int, int] | None, task: Task | None, seed: int
) -> tuple[tuple[str, ...], Callable[[], Data]]:
    """What reads the data, chosen by form; and what is to be said about the choice."""
    path = Path(spec)
    with readable(spec):
        exists = path.exists()
    match = None if exists else _FUNCTION.fullmatch(spec)
    if spec not in NAMES and not exists and not match:
        raise _unknown(spec, path)
    table = exists and path.suffix.lower() in (".csv", ".tsv") and spec not in NAMES
    if target is not None and not table:
        raise UsageError(f"{spec!r} is no table, only a table has columns", where="--target", help="leave it out")
    if spec in NAMES:
        notes = (f"the embedded data set; the folder or file beside you is ./{spec}",) if exists else ()
        return notes, lambda: load_embedded(spec, task)
    if match:
        from nnlint.train.data.function import load_function

        return (), lambda: load_function(spec, match["place"], match["name"], task, seed)
    return (), _folder(path, spec, size, task) if path.is_dir() else _file(path, spec, target, task)


def _file(path: Path, spec: str, target: str | None, task: Task | None) -> Callable[[], Data]:
    from nnlint.train.data import numpy_files, table
    from nnlint.train.data.assemble import assemble

    suffix = path.suffix.lower()
    if suffix == ".npz":
        return lambda: assemble(numpy_files.read_npz(path, spec), task)
    if suffix == ".npy":
        return lambda: assemble(numpy_files.read_npy(path, spec), task)
    if suffix in table.SUFFIXES:
        return lambda: assemble(table.read_table(path, spec, target), task)
    if suffix == ".py":
        raise UsageError("which function makes the data?", where=spec, help=f"--data {spec}:function")
    raise UsageError(f"a file that ends in {suffix or 'nothing'} is none of the forms", where=spec, help=FORMS)


def _folder(path: Path, spec: str, size: tuple[int, int] | None, task: Task | None) -> Callable[[], Data]:
    from nnlint.train.data import folder, numpy_files, prepared
    from nnlint.train.data.assemble import assemble

    with readable(path):
        next(path.iterdir(), None)  # whether it may be listed is found here, for the folder itself
        if prepared.is_prepared(path):
            return lambda: prepared.load_prepared(path, spec, task)
        if numpy_files.is_array_folder(path):
            return lambda: assemble(numpy_files.read_array_folder(path, spec), task)
        return lambda: folder.load_folder(path, spec, size, task)


def _unknown(spec: str, path: Path) -> UsageError:
    """A name that is nothing: a path that does not exist, or a word that means nothing."""
    if path.suffix or len(path.parts) > 1:
        beside = path.parent if path.parent.is_dir() else None
        advice = near(path.name, [one.name for one in beside.iterdir()]) if beside else f"no folder {path.parent}"
        return UsageError("there is no such file or folder", where=spec, help=advice or FORMS)
    advice = near(spec, NAMES)
    return UsageError(
        f"no data are called {spec!r}", where="--data", help=f"{advice} " * bool(advice) + f"Forms: {FORMS}"
    )

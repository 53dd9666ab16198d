"""What ``nnlint prepare`` writes, and reading it back: arrays mapped from files, and ``metadata.json`` about them.

A folder holds ``train_x.npy`` (uint8, (N, C, H, W)), ``train_y.npy`` (int64, (N,)), likewise ``val_…`` and ``test_…``,
and the metadata: format, classes, shape, statistics, and of each file its size and hashes.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from nnlint.errors import UsageError
from nnlint.train.data.assemble import Raw, assemble
from nnlint.train.data.files import readable
from nnlint.train.data.model import Data, Task
from nnlint.train.data.numpy_files import mapped
from nnlint.train.data.parts import Part

METADATA = "metadata.json"
FORMAT, VERSION = "nnlint-prepared", 1
#: the quick hash covers so many blocks of so many bytes, at equal distances from the first to the last
_BLOCKS, _BLOCK = 16, 4096
#: what file managers leave in every folder they show
LITTER = frozenset({".DS_Store", "Thumbs.db"})
_ANEW = "run nnlint prepare again"


def is_prepared(folder: Path) -> bool:
    """Whether ``nnlint prepare`` wrote a folder."""
    try:
        return bool(json.loads((folder / METADATA).read_text(encoding="utf-8"))["format"] == FORMAT)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def not_prepared(folder: Path) -> list[str]:
    """What lies in a prepared folder beside the files that were written then, by the metadata, and `LITTER`."""
    with readable(folder / METADATA):
        files = json.loads((folder / METADATA).read_text(encoding="utf-8")).get("files")
    known = {METADATA, *LITTER, *(files if isinstance(files, dict) else ())}
    return sorted(path.name for path in folder.iterdir() if path.name not in known)


def load_prepared(folder: Path, name: str, task: Task | None) -> Data:
    """The arrays of a prepared folder, mapped; sizes and a quick hash are compared first.

    Raises:
        UsageError: if a file is missing, cut short or another one, or the metadata are of a later version.
    """
    with readable(folder / METADATA):
        known = json.loads((folder / METADATA).read_text(encoding="utf-8"))
    if known.get("version") != VERSION:
        raise UsageError(
            f"it was prepared in version {known.get('version')} of the format, expected {VERSION}",
            where=str(folder / METADATA),
            help=_ANEW,
        )
    try:
        for file, facts in known["files"].items():
            compare(folder / file, facts["bytes"], facts["quick"])
        parts = {
            part: Part(mapped(folder / f"{part}_x.npy"), mapped(folder / f"{part}_y.npy"), str(Path(name, part)))
            for part in known["parts"]
        }
        raw = Raw(
            name,
            f"{known['source']}, prepared by nnlint {known['nnlint']} ({known['fit']} to"
            f" {known['shape'][1]} × {known['shape'][2]}); {known['split']}",
            parts,
            classes=tuple(known["classes"]),
            notes=tuple(known["notes"]),
            scattered=True,
            compared=True,
            statistics=(np.array(known["mean"], dtype=np.float64), np.array(known["std"], dtype=np.float64)),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"the metadata lack something ({error})", where=str(folder / METADATA), help=_ANEW) from error
    return assemble(raw, task)


def compare(path: Path, size: int, quick: str) -> None:
    """One file against what the metadata say of it.

    Raises:
        UsageError: if it is missing, has another size, or other contents.
    """
    with readable(path):
        now = path.stat().st_size
        if now != size:
            word = "cut short" if now < size else "longer than it was"
            raise UsageError(f"it is {word}: {now:,} bytes, expected {size:,}", where=str(path), help=_ANEW)
        if quick_hash(path) != quick:
            raise UsageError("its contents are not those that were prepared", where=str(path), help=_ANEW)


def quick_hash(path: Path) -> str:
    """A hash of some blocks of a file: as good as free, however large it is.

    It finds a file that was cut, filled with zeros or exchanged; not a changed byte somewhere, as ``sha256`` would.
    """
    size = path.stat().st_size
    digest = hashlib.blake2b(str(size).encode(), digest_size=16)
    with path.open("rb") as stream:
        for index in range(_BLOCKS):
            stream.seek(max(0, size - _BLOCK) * index // (_BLOCKS - 1))
            digest.update(stream.read(_BLOCK))
    return digest.hexdigest()


def written(metadata: dict[str, Any]) -> str:
    """The text of the metadata."""
    return json.dumps({"format": FORMAT, "version": VERSION, **metadata}, indent=1, ensure_ascii=False) + "\n"

"""Files that are written whole or not at all: a power cut, a full disk or ``kill -9`` leave the old one."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from nnlint.errors import NnlintError

_LEFTOVER = re.compile(r"\..+\.\d+\.tmp")
_WHY = {
    errno.ENOSPC: "no space is left on the disk",
    errno.EDQUOT: "your share of the disk is used up",
    errno.EFBIG: "the file would be larger than this process may write",
    errno.EACCES: "the folder or file may not be written to",
    errno.EPERM: "the folder or file may not be written to",
    errno.EROFS: "the file system is read-only",
    errno.ENOENT: "its folder does not exist",
    errno.ENOTDIR: "its folder is a file",
    errno.EISDIR: "a folder of this name is there",
}


class WriteError(NnlintError):
    """A file that could not be written; what was there before is untouched."""


class CheckpointError(NnlintError):
    """A checkpoint or a file of weights that cannot be written or read."""


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of ``path`` when the block ends well.

    The bytes go to a temporary file beside it, which is forced onto the disk before it is renamed: after a crash
    there is the old file or the new one, never a part of one.

    Raises:
        WriteError: it cannot be written: a full disk, no rights. The temporary file is removed.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):  # it may not even have been made; what is left of it goes with the next start
            temporary.unlink(missing_ok=True)
        cause = write_fault(error)
        if cause is not None:
            raise failed(path, cause) from error
        raise


def write_text(path: Path, text: str) -> None:
    """Write a whole text as UTF-8.

    Raises:
        WriteError: as `written`.
    """
    with written(path) as file:
        file.write(text.encode("utf-8"))


def failed(path: Path, cause: OSError) -> WriteError:
    """The error that says why a file could not be written, and what to do."""
    reason = _WHY.get(cause.errno or 0, cause.strerror or str(cause))
    advice = "check the folder and its rights"
    if cause.errno in {errno.ENOSPC, errno.EDQUOT}:
        advice = "make room on the disk"
    elif cause.errno == errno.EFBIG:
        advice = "raise the limit (`ulimit -f`), or write to another disk"
    return WriteError(f"cannot write {path.name}: {reason}", where=str(path.parent), help=advice)


def write_fault(error: BaseException | None) -> OSError | None:
    """The error of the operating system that an error stands for or was raised over.

    torch's writer of archives notices a failed write, then fails again while it closes the archive, with a
    `RuntimeError` that says nothing of the disk: the first one is in its context.
    """
    seen = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, OSError):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


def clean(folder: Path) -> tuple[str, ...]:
    """Remove the temporary files that a killed run left in its folder. Returns their names.

    To be called where a run starts or goes on, by the one process that writes there.
    """
    names = []
    for path in sorted(folder.iterdir()):
        if _LEFTOVER.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)
            names.append(path.name)
    return tuple(names)


def _sync_folder(folder: Path) -> None:
    """Force a rename onto the disk: it is the folder that holds the name."""
    if os.name == "nt":  # folders cannot be opened there, and renames are journalled
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # some network file systems cannot; the rename stands
            raise
    finally:
        os.close(descriptor)

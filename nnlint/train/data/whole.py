"""A folder that appears whole or not at all, whatever interrupts the writing of it."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nnlint.errors import UsageError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def temporary(out: Path) -> Iterator[Path]:
    """A folder beside the place, gone at the end unless it was put there; what the disk says, in the user's words."""
    folder: Path | None = None
    try:
        with interrupts_held():
            folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent))
        yield folder
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UsageError(
                "the disk is full; what was written has been taken away again",
                where=str(out),
                help="make room, or prepare on another disk",
            ) from error
        raise UsageError(f"it cannot be written: {error.strerror or error}", where=str(out)) from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def put_in_place(folder: Path, out: Path) -> None:
    """Rename the finished folder; what stood there goes only when the new one stands."""
    folder.chmod(0o777 & ~_umask())
    if not out.exists():
        folder.rename(out)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".old", dir=out.parent))
    try:
        out.rename(old / "was")
        try:
            folder.rename(out)
        except OSError:
            (old / "was").rename(out)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Ctrl-C and kill wait for the end of this block: what is in it is done whole.

    They are blocked too, which a process that starts here inherits: it does not die aloud before it can ignore Ctrl-C.
    Blocking alone is not enough: another thread (of a library) would take the signal, and Python tell this one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python tells the main thread alone
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda got, _frame: came.append(got)) for number in _SIGNALS}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS) if hasattr(signal, "pthread_sigmask") else None
    try:
        yield
    finally:
        if blocked is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for number, handler in before.items():
            signal.signal(number, handler)
        for got in came[:1]:
            signal.raise_signal(got)

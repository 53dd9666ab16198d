"""A time limit on a piece of code that runs in this very process; what installed libraries take to import is free."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: the code that is limited may be answered differently when it asks for these (see `nnlint.load.answers`)
_signal = signal.signal
_setitimer = getattr(signal, "setitimer", None)

#: seconds after which a limit rings again, should code have swallowed its first ring
AGAIN = 1.0

#: seconds spent in `unlimited` so far
_free = 0.0


class TookTooLongError(BaseException):
    """The code had its time. (No `Exception`: code that catches those must not catch this.)"""


def elapsed() -> float:
    """Seconds on a clock that stands still in `unlimited`."""
    return time.monotonic() - _free


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise in the code below when its time is over; where the platform cannot, the worker's limit has to do.

    Raises:
        TookTooLongError: after that many seconds.
    """
    if _setitimer is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TookTooLongError(f"it took longer than {seconds:g} s")

    begun = elapsed()
    before = _signal(signal.SIGALRM, stop)
    outer, _ = _setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        _setitimer(signal.ITIMER_REAL, 0)
        _signal(signal.SIGALRM, before)
        if outer:  # a limit around this one goes on
            _setitimer(signal.ITIMER_REAL, max(outer - (elapsed() - begun), 0.001), AGAIN)


@contextmanager
def unlimited() -> Iterator[None]:
    """While this is open, no time passes for `time_limit` and `elapsed`."""
    global _free  # noqa: PLW0603  there is one clock
    begun = time.monotonic()
    left = _setitimer(signal.ITIMER_REAL, 0)[0] if _setitimer is not None else 0.0
    try:
        yield
    finally:
        _free += time.monotonic() - begun
        if _setitimer is not None and left:
            _setitimer(signal.ITIMER_REAL, left, AGAIN)

"""A time limit on a piece of code that runs in this very process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: the code that is limited may be answered differently when it asks for these (see `nnlint.load.answers`)
_signal = signal.signal
_setitimer = getattr(signal, "setitimer", None)


class TookTooLongError(BaseException):
    """The code had its time. (No `Exception`: code that catches those must not catch this.)"""


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
        raise TookTooLongError(f"it took longer than {seconds:g} s to build")

    before = _signal(signal.SIGALRM, stop)
    _setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        _setitimer(signal.ITIMER_REAL, 0)
        _signal(signal.SIGALRM, before)

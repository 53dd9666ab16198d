"""Watching over one child process: its frames, its output, its time; whatever it does, an `End` comes of it."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from nnlint.worker import messages

Kind = Literal["value", "timeout", "memory", "crash", "exit", "error"]

#: bytes of output kept from the beginning and from the end
KEPT = 32 << 10
#: seconds to wait for the rest of a dead child's output
_DRAIN = 2.0


class Child(Protocol):
    """A process that runs one request."""

    def kill(self) -> None:
        """End it and everything it started."""

    def wait(self) -> int:
        """Its exit code, or minus the signal that ended it; blocks."""


@dataclass(frozen=True, slots=True)
class End:
    """How a child ended, and what it printed."""

    kind: Kind
    detail: str = ""
    output: str = ""
    errors: str = ""


class _Kept:
    """The head and the tail of a stream of any length."""

    def __init__(self) -> None:
        self.head = b""
        self.tail = b""
        self.dropped = 0

    def add(self, data: bytes) -> None:
        room = KEPT - len(self.head)
        self.head += data[:room]
        tail = self.tail + data[room:]
        self.dropped += max(len(tail) - KEPT, 0)
        self.tail = tail[-KEPT:]

    def text(self) -> str:
        gap = f"\n… {self.dropped} bytes left out …\n".encode() if self.dropped else b""
        return (self.head + gap + self.tail).decode("utf-8", "replace")


def supervise(
    child: Child, result: int, output: int, errors: int, seconds: float, forward: Callable[[bytes, bytes], None]
) -> End:
    """Watch a child until it has ended; its pipes are closed afterwards.

    Args:
        child: the process.
        result, output, errors: the reading ends of its three pipes.
        seconds: its wall-clock limit.
        forward: receives every frame it sends, as it comes.
    """
    kept = (_Kept(), _Kept())
    arrived: queue.SimpleQueue[tuple[bytes, bytes] | None] = queue.SimpleQueue()
    readers = [
        threading.Thread(target=_frames, args=(result, arrived), daemon=True),
        threading.Thread(target=_drain, args=(output, kept[0]), daemon=True),
        threading.Thread(target=_drain, args=(errors, kept[1]), daemon=True),
    ]
    for reader in readers:
        reader.start()
    late, last = _follow(arrived, time.monotonic() + seconds, forward)
    child.kill()
    status = child.wait()
    for reader in readers:
        reader.join(_DRAIN)
    if late:
        return End("timeout", f"{seconds:g} s", kept[0].text(), kept[1].text())
    kind, detail = _ending(last, status)
    return End(kind, detail, kept[0].text(), kept[1].text())


def _follow(
    arrived: queue.SimpleQueue[tuple[bytes, bytes] | None], deadline: float, forward: Callable[[bytes, bytes], None]
) -> tuple[bool, tuple[bytes, bytes] | None]:
    """Whether time ran out, and the last frame if it was the result (or an error)."""
    while True:
        try:
            frame = arrived.get(timeout=max(deadline - time.monotonic(), 0))
        except queue.Empty:
            return True, None
        if frame is None:
            return False, None
        if frame[0] != messages.ERROR:
            forward(*frame)
        if frame[0] != messages.PARTIAL:
            return False, frame


def _ending(last: tuple[bytes, bytes] | None, status: int) -> tuple[Kind, str]:
    if last is not None:
        if last[0] == messages.VALUE:
            return "value", ""
        kind, _, detail = last[1].decode("utf-8", "replace").partition("\n")
        return ("memory" if kind == "memory" else "error"), detail
    if status < 0:
        return "crash", _signal_name(-status)
    return "exit", str(status)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _frames(fd: int, arrived: queue.SimpleQueue[tuple[bytes, bytes] | None]) -> None:
    frame = messages.receive(fd)
    while frame is not None:
        arrived.put(frame)
        frame = messages.receive(fd)
    arrived.put(None)
    os.close(fd)


def _drain(fd: int, kept: _Kept) -> None:
    while data := os.read(fd, 1 << 16):
        kept.add(data)
    os.close(fd)

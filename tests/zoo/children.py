"""Runs functions in forked processes, several at a time, with a limit on what each may take."""

from __future__ import annotations

import os
import resource
import selectors
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

LIMIT = 60  # processor seconds a process
PATIENCE = 900.0  # seconds on the wall: the machine may be busy with something else

T = TypeVar("T")


@dataclass
class _Child(Generic[T]):
    pid: int
    reader: int
    task: T
    deadline: float
    received: bytearray = field(default_factory=bytearray)

    def read(self) -> bool:
        """Takes what has come; whether that was all."""
        chunk = os.read(self.reader, 1 << 20)
        self.received += chunk
        return not chunk

    def end(self, late: bool) -> bytes | str:
        """Its answer, or why there is none."""
        if late:
            os.kill(self.pid, signal.SIGKILL)
        os.close(self.reader)
        _, status = os.waitpid(self.pid, 0)
        if self.received and not late:
            return bytes(self.received)
        if late or (os.WIFSIGNALED(status) and os.WTERMSIG(status) in {signal.SIGXCPU, signal.SIGKILL}):
            return f"took over {LIMIT} s"
        return f"died (wait status {status})"


def in_children(
    tasks: Iterable[T], work: Callable[[T], bytes], jobs: int, patience: float = PATIENCE
) -> Iterator[tuple[T, bytes | str]]:
    """Every task with the bytes its process answered, or with why it answered none, as they finish."""
    waiting = list(tasks)[::-1]
    running: dict[int, _Child[T]] = {}
    selector = selectors.DefaultSelector()
    while waiting or running:
        while waiting and len(running) < jobs:
            child = _start(waiting.pop(), work, patience)
            running[child.reader] = child
            selector.register(child.reader, selectors.EVENT_READ)
        ready = {key.fd for key, _ in selector.select(timeout=1.0)}
        for child in list(running.values()):
            late = time.monotonic() > child.deadline
            if late or (child.reader in ready and child.read()):
                selector.unregister(child.reader)
                del running[child.reader]
                yield child.task, child.end(late)


def _start(task: T, work: Callable[[T], bytes], patience: float) -> _Child[T]:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return _Child(pid, reader, task, time.monotonic() + patience)
    os.close(reader)
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silent, stream)
    try:
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(work(task))
    finally:
        os._exit(0)

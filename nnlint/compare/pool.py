"""Calls spread over processes, so that a process that dies costs the one call it was in, and says what it died of.

`concurrent.futures` gives up all calls if one process dies, and does not say which call killed it. Here every process
has a pipe of its own, so it is known what it was doing; a new one takes its place.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from nnlint.errors import NnlintError

#: a function as ``module:name``, and its arguments: it is imported in the process, so the caller need not load torch
Call = tuple[str, tuple[Any, ...]]
#: seconds a process gets to end by itself
_GRACE = 2.0


@dataclass(frozen=True, slots=True)
class Died:
    """What became of a call whose process died."""

    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """A call that came back: ``batch`` and ``number`` say which; an exception is a value here, too."""

    batch: int
    number: int
    value: Any


@dataclass(eq=False)
class _Lane:
    """One process and what it is at."""

    process: BaseProcess
    pipe: Connection
    errors: Path
    batch: int = -1
    calls: Sequence[Call] = ()
    done: int = 0

    def send(self) -> None:
        """Hand over the calls that are not made yet."""
        # a process that is gone already is noticed when its answer is waited for
        with contextlib.suppress(OSError):
            self.pipe.send(self.calls[self.done :])


@dataclass(eq=False)
class Pool:
    """So many processes; used as a context manager, at the end of which they are gone, whatever they were at."""

    jobs: int
    _lanes: list[_Lane] = field(default_factory=list)
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _folder: Path = field(default_factory=Path)

    def __enter__(self) -> Self:
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="nnlint-compare-")))
        self._lanes = [self._start(number) for number in range(self.jobs)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for lane in self._lanes:
            lane.process.terminate()
        for lane in self._lanes:
            lane.process.join(_GRACE)
            if lane.process.is_alive():
                lane.process.kill()
                lane.process.join()
            lane.pipe.close()
        self._stack.close()

    def run(self, batches: Sequence[Sequence[Call]]) -> Iterator[Done]:
        """Make the calls; those of a batch one after another in one process.

        Returns:
            every call as it comes back. What it returned, the exception it raised, or `Died`.
        """
        waiting = [(number, batch) for number, batch in reversed(list(enumerate(batches))) if batch]
        for lane in self._lanes:
            self._next(lane, waiting)
        while busy := [lane for lane in self._lanes if lane.batch >= 0]:
            ready = wait([lane.pipe for lane in busy])
            for lane in [lane for lane in busy if lane.pipe in ready]:
                try:
                    value = lane.pipe.recv()
                except (EOFError, OSError):
                    value = self._replace(lane)
                done = Done(lane.batch, lane.done, value)
                lane.done += 1
                if lane.done == len(lane.calls):
                    self._next(lane, waiting)
                elif isinstance(value, Died):
                    lane.send()
                yield done

    def _next(self, lane: _Lane, waiting: list[tuple[int, Sequence[Call]]]) -> None:
        if not waiting:
            lane.batch = -1
            return
        lane.batch, lane.calls = waiting.pop()
        lane.done = 0
        lane.send()

    def _start(self, number: int) -> _Lane:
        # spawned, not forked: a fork of a process with torch's threads, or with CUDA, does not work
        context = multiprocessing.get_context("spawn")
        errors = self._folder / f"{number}.txt"
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, str(errors)), daemon=True)
        with _without_main():
            process.start()
        theirs.close()
        return _Lane(process, ours, errors)

    def _replace(self, lane: _Lane) -> Died:
        """A new process in the place of one that died; what it died of."""
        lane.process.join(_GRACE)
        said = lane.errors.read_text(errors="replace").strip().splitlines() if lane.errors.exists() else []
        died = Died(_last_words(lane.process.exitcode, said))
        lane.pipe.close()
        fresh = self._start(self._lanes.index(lane))
        lane.process, lane.pipe = fresh.process, fresh.pipe
        return died


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """A spawned process runs the main script again, to find what it defines. Nothing here is defined there, and that
    script may be read from a pipe, or start a comparison itself: it is hidden while the process is started."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _last_words(code: int | None, said: Sequence[str]) -> str:
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        why = f"its process was ended by {name}"
        if name == "SIGKILL":
            why += ", as the system does where memory runs out"
    else:
        why = f"its process ended with code {code}"
    return f"{why}: {said[-1]}" if said else why


def _serve(pipe: Connection, errors: str) -> None:
    """What a process does: take calls, make them, hand back what they return or raise."""
    # Ctrl-C is the caller's to deal with: it ends this process when it has what it needs
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Path(errors).open("w", encoding="utf-8") as stream, Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        # what the user's code prints would end up among the results, and warnings in the progress bar
        os.dup2(nowhere.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        sys.stdout = nowhere
        sys.stderr = stream
        with contextlib.suppress(EOFError, BrokenPipeError):  # the caller is gone
            while True:
                for call in pipe.recv():
                    pipe.send(_made(call))


def _made(call: Call) -> Any:
    target, arguments = call
    module, _, name = target.partition(":")
    try:
        return getattr(importlib.import_module(module), name)(*arguments)
    except NnlintError as error:
        return error
    except Exception as error:  # not every exception can be sent through a pipe; its text can
        return NnlintError(f"{type(error).__name__}: {error}")

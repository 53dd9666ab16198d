"""The worker's side: a process that has torch imported, and runs every request in a child of its own."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pickle
import signal
import sys
import threading
import traceback
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

from nnlint.load import guard
from nnlint.worker import messages
from nnlint.worker.supervise import End, supervise

#: the code that runs here may replace what is in `os`
_exit = os._exit

#: the pipe that `emit` writes to, in a child
_result: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """``function`` is ``module:name``; ``memory`` is in bytes beyond what the process has, ``seconds`` wall clock."""

    function: str
    args: tuple[Any, ...]
    memory: int
    seconds: float


def emit(result: object) -> None:
    """Hand a partial result to whoever waits for this child: it is kept if the child does not finish.

    Outside a worker's child nothing happens.
    """
    if _result is not None:
        messages.send(_result, messages.PARTIAL, pickle.dumps(result))


def serve(requests: int, answers: int) -> NoReturn:
    """Answer requests from one pipe on another until it is closed, a forked child a request."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import torch

    torch.set_num_threads(1)
    running: list[_Fork] = []
    work = _Requests(requests, running)
    while (payload := work.next()) is not None:
        request: Request = pickle.loads(payload)
        _prepare(request.function)
        messages.send(answers, messages.END, pickle.dumps(_in_child(request, payload, answers, running)))
    _exit(0)


def serve_once(requests: int, result: int) -> NoReturn:
    """Answer one request in this very process: where processes cannot be forked."""
    frame = messages.receive(requests)
    os.close(requests)
    if frame is None:
        _exit(0)
    import torch

    torch.set_num_threads(1)
    _run(pickle.loads(frame[1]), result)


class _Requests(threading.Thread):
    """Reads ahead, so that the end of the parent is noticed while a child runs: then it is ended too."""

    def __init__(self, fd: int, running: list[_Fork]) -> None:
        super().__init__(daemon=True)
        self.fd = fd
        self.running = running
        self.ready = threading.Semaphore(0)
        self.payloads: list[bytes | None] = []
        self.start()

    def run(self) -> None:
        while (frame := messages.receive(self.fd)) is not None:
            self.payloads.append(frame[1])
            self.ready.release()
        for child in list(self.running):
            child.kill()
        _exit(0)

    def next(self) -> bytes | None:
        """The next request."""
        self.ready.acquire()
        return self.payloads.pop(0)


@dataclass(frozen=True, slots=True)
class _Fork:
    pid: int

    def kill(self) -> None:
        """End it with its whole session."""
        for end in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                end(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Its exit code, or minus the signal."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def _prepare(function: str) -> None:
    """Import nnlint's own function here, and what it prepares, once for all children; a failure is the child's to
    tell."""
    module = function.partition(":")[0]
    if module.startswith("nnlint."):
        with contextlib.suppress(ImportError):
            prepare = getattr(importlib.import_module(module), "prepare", None)
            if prepare is not None:
                prepare()
    gc.freeze()


def _in_child(request: Request, payload: bytes, answers: int, running: list[_Fork]) -> End:
    pipes = [os.pipe() for _ in range(3)]
    result, output, errors = (read for read, _ in pipes)
    pid = os.fork()
    if pid == 0:
        _become_child([result, output, errors], [write for _, write in pipes])
        _run(pickle.loads(payload), pipes[0][1])
    for _, write in pipes:
        os.close(write)
    child = _Fork(pid)
    running.append(child)
    try:
        return supervise(child, result, output, errors, request.seconds, partial(messages.send, answers))
    finally:
        running.remove(child)


def _become_child(readers: list[int], writers: list[int]) -> None:
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for fd in readers:
        os.close(fd)
    for fd, standard in zip(writers[1:], (1, 2), strict=True):
        os.dup2(fd, standard)
        os.close(fd)
    os.closerange(3, writers[0])
    os.closerange(writers[0] + 1, _open_files())


def _open_files() -> int:
    try:
        return os.sysconf("SC_OPEN_MAX") if os.sysconf("SC_OPEN_MAX") < 4096 else 4096
    except (AttributeError, ValueError, OSError):
        return 256


def _run(request: Request, result: int) -> NoReturn:
    """Run a request and end the process; the exit code is only read where no frame says how it went."""
    global _result  # noqa: PLW0603  the process is this request's
    _result = result
    code = 0
    try:
        _limit(request.memory)
        module, _, name = request.function.partition(":")
        function = getattr(importlib.import_module(module), name)
        guard.install()
        messages.send(result, messages.VALUE, pickle.dumps(function(*request.args)))
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException as error:  # whatever it is, it is the answer
        kind = "memory" if out_of_memory(error) else "error"
        text = f"{type(error).__name__}: {error}" if kind == "memory" else traceback.format_exc()
        messages.send(result, messages.ERROR, f"{kind}\n{text}".encode("utf-8", "replace"))
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    _exit(code)


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out: Python's, or one of torch's allocators'."""
    if isinstance(error, MemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("can't allocate memory" in text or "not enough memory" in text)


def _limit(memory: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows, where there is the time limit alone
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = _address_space() + memory
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit if hard < 0 else min(limit, hard), hard))


def _address_space() -> int:
    """The bytes of address space this process has; 0 where the system does not tell (then the limit is absolute)."""
    try:
        with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123
            return int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0

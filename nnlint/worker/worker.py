"""`Worker`: runs functions in guarded child processes, and tells what became of them.

One server process imports torch once and forks a child for every request (where the platform forks; else a fresh
process does one request). This side imports no torch.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from nnlint.errors import NnlintError
from nnlint.worker import messages
from nnlint.worker.server import Request, emit
from nnlint.worker.supervise import End, Kind, supervise

__all__ = ["MEMORY", "SECONDS", "Kind", "Outcome", "Worker", "emit"]

SECONDS = 60.0
#: bytes beyond what the process needs with torch imported
MEMORY = 8 << 30


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request.

    Attributes:
        kind: ``value``, or why there is none: ``timeout``, ``memory``, ``crash`` (a signal ended it), ``exit`` (the
            code called `sys.exit` or `os._exit`), ``error`` (an exception).
        value: what the function returned.
        detail: the time limit, the allocation that failed, the signal's name, the exit code, the traceback.
        partials: what the function handed over by `emit` before that.
        output, errors: what it printed, on stdout and stderr; of very much the head and the tail.
    """

    kind: Kind
    value: Any = None
    detail: str = ""
    partials: tuple[Any, ...] = ()
    output: str = ""
    errors: str = ""

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return self.kind == "value"

    @property
    def reason(self) -> str:
        """Why there is no value, in a sentence without a full stop; "" if there is one."""
        last = self.detail.strip().splitlines()[-1] if self.detail.strip() else ""
        return {
            "value": "",
            "timeout": f"it took longer than {self.detail}",
            "memory": f"it needed more memory than allowed ({last})",
            "crash": f"the process was ended by {self.detail}",
            "exit": f"the code ended the process with exit code {self.detail}",
            "error": last,
        }[self.kind]


class Worker:
    """Runs one request after the other, each in a process of its own.

    Args:
        memory: bytes a child may use beyond what it starts with (where the platform can limit it).
        seconds: wall-clock seconds a request may take.
        fork: whether children are forked from a server; by default wherever the platform can.
    """

    def __init__(self, *, memory: int = MEMORY, seconds: float = SECONDS, fork: bool | None = None) -> None:
        self.memory = memory
        self.seconds = seconds
        self._fork = hasattr(os, "fork") if fork is None else fork
        self._process: subprocess.Popen[bytes] | None = None
        self._requests = -1
        self._answers = -1
        self._log: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the server, which imports torch while the caller goes on; returns at once."""
        if not self._fork or (self._process is not None and self._process.poll() is None):
            return
        self.close()
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  open as long as the server runs
        self._process = _python("serve", requests, answers, stdout=subprocess.DEVNULL, stderr=self._log)
        os.close(requests)
        os.close(answers)

    def close(self) -> None:
        """End the server and whatever runs."""
        if self._process is None:
            return
        os.close(self._requests)  # the server ends its children when this closes
        os.close(self._answers)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._log is not None:
            self._log.close()
        self._process = None

    def run(self, function: str, *args: Any, seconds: float | None = None) -> Outcome:
        """Run ``module:name`` with arguments that can be pickled, in a child; wait for what comes of it.

        Raises:
            NnlintError: if no worker process can be started (torch cannot be imported, say).
        """
        request = Request(function, args, self.memory, self.seconds if seconds is None else seconds)
        payload = pickle.dumps(request)
        try:
            return self._by_server(payload) if self._fork else _by_process(payload, request)
        except BaseException:
            self.close()
            raise

    def _by_server(self, payload: bytes) -> Outcome:
        self.start()
        try:
            messages.send(self._requests, messages.REQUEST, payload)
        except BrokenPipeError:  # it died while nobody was looking
            self._raise_if_it_never_started()
            self.close()
            self.start()
            messages.send(self._requests, messages.REQUEST, payload)
        answer = _Answer()
        while (frame := messages.receive(self._answers)) is not None:
            if frame[0] == messages.END:
                return answer.outcome(pickle.loads(frame[1]))
            answer.take(*frame)
        self._raise_if_it_never_started()
        assert self._process is not None
        status = self._process.wait()
        self.close()
        return answer.outcome(End("crash", signal.Signals(-status).name if status < 0 else f"exit code {status}"))

    def _raise_if_it_never_started(self) -> None:
        """A server that ends with a traceback of its own could not import torch or nnlint."""
        assert self._process is not None
        assert self._log is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process.wait(5) == 1:
                self._log.seek(0)
                text = self._log.read().decode("utf-8", "replace").strip()
                self.close()
                raise NnlintError(
                    f"the worker process cannot start: {text.splitlines()[-1] if text else 'it says nothing'}",
                    where=sys.executable,
                    help="install torch into the environment nnlint runs in (`pip install torch`)",
                )


class _Answer:
    def __init__(self) -> None:
        self.value: Any = None
        self.partials: list[Any] = []

    def take(self, tag: bytes, payload: bytes) -> None:
        if tag == messages.VALUE:
            self.value = pickle.loads(payload)
        elif tag == messages.PARTIAL:
            self.partials.append(pickle.loads(payload))

    def outcome(self, end: End) -> Outcome:
        return Outcome(end.kind, self.value, end.detail, tuple(self.partials), end.output, end.errors)


@dataclass(frozen=True, slots=True)
class _Process:
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End it."""
        with contextlib.suppress(ProcessLookupError, PermissionError, AttributeError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()

    def wait(self) -> int:
        """Its exit code, or minus the signal."""
        return self.process.wait()


def _by_process(payload: bytes, request: Request) -> Outcome:
    """One request in a fresh process."""
    (requests, to_child), (result, from_child), (output, out), (errors, err) = (os.pipe() for _ in range(4))
    child = _Process(_python("serve_once", requests, from_child, stdout=out, stderr=err))
    for fd in (requests, from_child, out, err):
        os.close(fd)
    answer = _Answer()
    try:
        with contextlib.suppress(BrokenPipeError):
            messages.send(to_child, messages.REQUEST, payload)
        return answer.outcome(supervise(child, result, output, errors, request.seconds, answer.take))
    finally:
        child.kill()
        os.close(to_child)


def _python(function: str, reads: int, writes: int, *, stdout: Any, stderr: Any) -> subprocess.Popen[bytes]:
    """A Python process that runs one of the server's functions on two pipes; its stdin is closed."""
    handles, keywords = _inherited(reads, writes)
    home = str(Path(__file__).resolve().parent.parent.parent)
    code = (
        f"import sys; home = {home!r}; home in sys.path or sys.path.append(home); "
        f"from nnlint.worker.server import {function}; {function}({handles})"
    )
    # -P: the folder nnlint is called in must not shadow torch's modules or Python's own
    return subprocess.Popen(
        [sys.executable, "-P", "-c", code], stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, **keywords
    )


def _inherited(reads: int, writes: int) -> tuple[str, dict[str, Any]]:
    """How a child is told of its two pipes: the source text of the arguments, and `subprocess.Popen`'s keywords."""
    if sys.platform != "win32":
        return f"{reads}, {writes}", {"pass_fds": (reads, writes), "start_new_session": True}
    import msvcrt

    handles = [msvcrt.get_osfhandle(fd) for fd in (reads, writes)]
    for handle in handles:
        os.set_handle_inheritable(handle, True)
    startup = subprocess.STARTUPINFO(lpAttributeList={"handle_list": handles})
    text = ", ".join(
        f"__import__('msvcrt').open_osfhandle({handle}, {flag})"
        for handle, flag in zip(handles, (os.O_RDONLY, os.O_APPEND), strict=True)
    )
    return text, {"startupinfo": startup, "close_fds": True}

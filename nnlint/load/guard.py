"""The guard of a process that runs a file's code: what would change something outside of it is refused, and remembered.

It is a PEP 578 audit hook and guards against accidents (a file that trains, saves and downloads when it is imported),
not against malice: code that calls the operating system past Python is not seen (torch's own is: `native`).
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, NoReturn

from nnlint.load.files import users_site
from nnlint.load.native import refuse_native
from nnlint.site import Site

_WRITING_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

#: audit event → what it would do; the first argument of most names what to
_REFUSED = {
    "os.mkdir": "make the folder",
    "os.rename": "rename",
    "os.remove": "remove",
    "os.rmdir": "remove the folder",
    "os.link": "link",
    "os.symlink": "link",
    "os.truncate": "truncate",
    "os.chmod": "change the mode of",
    "os.chown": "change the owner of",
    "os.utime": "change the times of",
    "os.setxattr": "change the attributes of",
    "os.removexattr": "change the attributes of",
    "shutil.copyfile": "copy",
    "shutil.copytree": "copy",
    "shutil.move": "move",
    "shutil.rmtree": "remove the folder",
    "shutil.make_archive": "write the archive",
    "shutil.unpack_archive": "unpack the archive",
    "tempfile.mkstemp": "make the temporary file",
    "tempfile.mkdtemp": "make the temporary folder",
    "socket.connect": "open a connection",
    "socket.bind": "listen for connections",
    "socket.sendto": "send data",
    "socket.sendmsg": "send data",
    "socket.getaddrinfo": "look up the host",
    "socket.gethostbyname": "look up the host",
    "socket.gethostbyaddr": "look up the host",
    "urllib.Request": "download",
    "http.client.connect": "connect to",
    "ftplib.connect": "connect to",
    "smtplib.connect": "connect to",
    "webbrowser.open": "open the browser at",
    "subprocess.Popen": "start the program",
    "os.system": "run the command",
    "os.exec": "run the program",
    "os.posix_spawn": "start the program",
    "os.spawn": "start the program",
    "os.startfile": "start the program",
    "os.fork": "start a process",
    "os.forkpty": "start a process",
    "pty.spawn": "start a process",
    "os.kill": "end the process",
    "os.killpg": "end the processes",
}

#: arguments of these events say nothing to a reader
_NAMELESS = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"})


class RefusedError(PermissionError):
    """What the code tried is not done while nnlint looks at it. (An `OSError`, which libraries are prepared for.)"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something the guard refused: what, and the expression of the user's code that wanted it."""

    what: str
    site: Site | None

    def __str__(self) -> str:
        where = f"{self.site}: " if self.site else ""
        return f"{where}refused to {self.what}"


@dataclass(eq=False)
class _State:
    refusals: list[Refusal] = field(default_factory=list)
    hooked: bool = False  # an audit hook stays for the life of the process: it is switched off, not taken away
    depth: int = 0  # how many times over the guard is on
    busy: bool = False


_state = _State()


def install() -> None:
    """Guard this process from now on, for good."""
    if not _state.depth:
        _on()


@contextlib.contextmanager
def guarding() -> Iterator[None]:
    """Guard this process while this is open, and leave it as it was: for one that has work of its own to do later.

    The guard is the whole process's: what other threads write meanwhile is refused as well.
    """
    if _state.depth:
        yield
        return
    _state.refusals.clear()
    undo = _on()
    try:
        yield
    finally:
        _state.depth -= 1
        undo.close()


def _on() -> contextlib.ExitStack:
    undo = contextlib.ExitStack()
    _set(undo, sys, "dont_write_bytecode", True)
    if tempfile.tempdir is None:  # asked for its folder, tempfile would try it out by writing
        folder = os.environ.get("TMPDIR") or ("/tmp" if os.name == "posix" else os.environ.get("TEMP"))
        _set(undo, tempfile, "tempdir", folder)
    if "TORCHINDUCTOR_CACHE_DIR" not in os.environ:  # else it is made on import
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.tempdir or os.curdir
        undo.callback(os.environ.pop, "TORCHINDUCTOR_CACHE_DIR", None)
    _set(undo, builtins, "input", _no_input)
    _refuse_unaudited_processes(undo)
    undo.enter_context(refuse_native(refuse))
    _state.depth += 1
    if not _state.hooked:
        _state.hooked = True
        sys.addaudithook(_hook)
    return undo


def _set(undo: contextlib.ExitStack, place: Any, name: str, value: Any) -> None:
    undo.callback(setattr, place, name, getattr(place, name))
    setattr(place, name, value)


def refusals() -> tuple[Refusal, ...]:
    """What was refused so far, each once for every place of the user's code."""
    return tuple(_state.refusals)


def refuse(what: str) -> NoReturn:
    """Remember a refusal and raise it.

    Raises:
        RefusedError: always.
    """
    refusal = Refusal(what, None if _is_torchs_own(sys._getframe(1)) else users_site(sys._getframe(1)))
    if refusal not in _state.refusals and len(_state.refusals) < 100:
        _state.refusals.append(refusal)
    raise RefusedError(f"nnlint does not {what} while it looks at the code")


def _is_torchs_own(frame: FrameType | None) -> bool:
    """Whether it is a private part of torch that wants it (the caches of its compilers): nobody asked for that."""
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name != __name__ and name.partition(".")[0] not in sys.stdlib_module_names:
            return bool(name.startswith("torch._"))
        frame = frame.f_back
    return False


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not _state.depth:
        return
    if event == "open":
        if not _state.busy and _writes(args):
            _refuse(f"write {_shown(args[0])}")
    elif event == "os.mkdir" and os.path.isdir(args[0]):  # noqa: PTH112  what comes here may be bytes
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), args[0])
    elif event in _REFUSED:
        _refuse(_REFUSED[event] if event in _NAMELESS else f"{_REFUSED[event]} {_name(args)}".rstrip())
    elif event == "sqlite3.connect" and args and args[0] not in (":memory:", b":memory:"):
        _refuse(f"open the database {_shown(args[0])}")


def _refuse(what: str) -> NoReturn:
    _state.busy = True  # reading the source for the site opens files: that is nnlint's own reading
    try:
        refuse(what)
    finally:
        _state.busy = False


def _writes(args: tuple[Any, ...]) -> bool:
    path, mode, flags = args
    if isinstance(path, int) or path in (os.devnull, os.fsencode(os.devnull)):
        return False
    if isinstance(mode, str):
        return any(c in mode for c in "wax+")
    return isinstance(flags, int) and bool(flags & _WRITING_FLAGS)


def _name(args: tuple[Any, ...]) -> str:
    return _shown(args[0]) if args else ""


def _shown(value: Any) -> str:
    text = os.fsdecode(value) if isinstance(value, bytes) else str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _no_input(prompt: object = "") -> str:
    refuse(f"wait for input ({prompt})" if prompt else "wait for input")


def _refuse_unaudited_processes(undo: contextlib.ExitStack) -> None:
    """`multiprocessing` starts processes (and its resource tracker) in a way that no audit event tells of."""
    import multiprocessing.util

    def spawn(path: object, *_: object) -> int:
        refuse(f"start the program {_shown(path)}")

    _set(undo, multiprocessing.util, "spawnv_passfds", spawn)

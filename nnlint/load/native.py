"""What torch writes and connects to from C++, past Python: no audit event tells of it, so it is refused at its door."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

Refuse = Callable[[str], NoReturn]


def refuse_native(refuse: Refuse) -> contextlib.ExitStack:
    """Have torch's own file writers, files mapped into memory and process groups refused in this process.

    The classes are changed in place: whoever imported one already holds the same. What is written to a buffer, or
    only read, goes on as it was.

    Args:
        refuse: is told what is not done, and raises.

    Returns:
        what takes it back when it is closed.
    """
    import torch

    native: Any = torch._C
    undo = contextlib.ExitStack()
    _put(undo, native.PyTorchFileWriter, "__init__", _to_a_path(refuse, native.PyTorchFileWriter.__init__))
    _put(undo, native.ScriptModule, "save", _never(refuse, "write"))
    _put(undo, native._autograd._ProfilerResult, "save", _never(refuse, "write"))
    _put(undo, torch, "from_file", _if_shared(refuse, torch.from_file))
    _put(undo, torch.UntypedStorage, "from_file", staticmethod(_if_shared(refuse, torch.UntypedStorage.from_file)))
    for store in _stores(native):
        _put(undo, store, "__init__", _never(refuse, "join the process group at"))
    return undo


def _put(undo: contextlib.ExitStack, place: Any, name: str, value: Any) -> None:
    if name in vars(place):
        undo.callback(setattr, place, name, vars(place)[name])
    else:  # it was a base's
        undo.callback(delattr, place, name)
    setattr(place, name, value)


def _stores(native: Any) -> Iterator[Any]:
    distributed = getattr(native, "_distributed_c10d", None)  # a build of torch may be without it
    for name in ("TCPStore", "FileStore"):
        if hasattr(distributed, name):
            yield getattr(distributed, name)


def _never(refuse: Refuse, what: str) -> Callable[..., NoReturn]:
    def refused(_: Any, where: object = "", *__: Any, **___: Any) -> NoReturn:
        refuse(f"{what} {where}".rstrip())

    return refused


def _to_a_path(refuse: Refuse, original: Callable[..., Any]) -> Callable[..., Any]:
    def write(self: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(target, str | bytes | os.PathLike):
            refuse(f"write {os.fsdecode(target)}")
        return original(self, target, *args, **kwargs)

    return write


def _if_shared(refuse: Refuse, original: Callable[..., Any]) -> Callable[..., Any]:
    """A file mapped into memory: shared, it is made where it is not, and whoever changes the tensor changes it."""

    def mapped(filename: Any, shared: Any = False, *args: Any, **kwargs: Any) -> Any:
        if shared:
            refuse(f"write {os.fsdecode(filename)}")
        return original(filename, shared, *args, **kwargs)

    return mapped

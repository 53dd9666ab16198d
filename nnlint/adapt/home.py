"""What a loaded file leaves behind in the process that trains: there while its network is built, put away afterwards.

Linting loads every file in a process of its own. Training cannot: the network is to be trained here, two files may be
compared, and two versions of one file have modules of the same names.
"""

from __future__ import annotations

import os
import random
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any

import torch

from nnlint.load.guard import guarding
from nnlint.load.importing import DefinitionsLoader
from nnlint.script.source import instead

#: set by the loader for libraries that would download: whoever trains may want to
_VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


class Home:
    """The place one source is loaded and built in.

    Its modules stay importable until another source's are wanted (code that imports while it runs still works); the
    finder of its project and its folders are searched only while it is `open`.

    Args:
        texts: texts that stand for those of files.
    """

    #: whose modules are in `sys.modules`
    _present: Home | None = None

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts
        self._modules: dict[str, ModuleType] = {}
        self._path: list[str] = []
        self._finders: list[Any] = []

    @contextmanager
    def open(self) -> Iterator[None]:
        """While this is open, the file's code runs as in nnlint's workers: guarded, and found where it stands."""
        with guarding(), instead(self.texts), self._moved_in(), _left_as_they_were():
            yield

    @contextmanager
    def _moved_in(self) -> Iterator[None]:
        other = Home._present
        if other is not self:
            for name, module in other._modules.items() if other is not None else ():
                if sys.modules.get(name) is module:
                    del sys.modules[name]
            sys.modules.update(self._modules)
            Home._present = self
        path, finders = list(sys.path), list(sys.meta_path)
        sys.path[:0] = [folder for folder in self._path if folder not in path]
        sys.meta_path[:0] = self._finders
        try:
            yield
        finally:
            self._path = [folder for folder in sys.path if folder not in path]
            self._finders = [finder for finder in sys.meta_path if finder not in finders]
            sys.path[:], sys.meta_path[:] = path, finders
            self._modules = {
                name: module
                for name, module in list(sys.modules.items())
                if isinstance(getattr(getattr(module, "__spec__", None), "loader", None), DefinitionsLoader)
            }


@contextmanager
def _left_as_they_were() -> Iterator[None]:
    """Settings of the process that a file may change while it is built."""
    variables = {name: os.environ.get(name) for name in _VARIABLES}
    dtype, gradients = torch.get_default_dtype(), torch.is_grad_enabled()
    try:
        yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(gradients)
        for name, value in variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def undisturbed() -> Iterator[None]:
    """While this is open, random numbers may be drawn: afterwards all generators are as they were."""
    numpy = sys.modules.get("numpy")
    with ExitStack() as stack, torch.random.fork_rng(devices=[]):
        stack.callback(random.setstate, random.getstate())
        if numpy is not None:
            stack.callback(numpy.random.set_state, numpy.random.get_state())
        yield


@contextmanager
def drawn_from_torch() -> Iterator[None]:
    """While this is open, what Python and NumPy draw follows from the state of torch's generator, and nobody seeds.

    So a network has other first weights for every seed, and the same for the same, wherever it draws them: a file that
    seeds the generator itself (``torch.manual_seed(0)`` in a constructor) would have the same every time.
    """
    seed = zlib.crc32(torch.get_rng_state().numpy().tobytes())
    numpy = sys.modules.get("numpy")
    with ExitStack() as stack:
        stack.callback(random.setstate, random.getstate())
        random.seed(seed)
        if numpy is not None:
            stack.callback(numpy.random.set_state, numpy.random.get_state())
            numpy.random.seed(seed)
            _put(stack, numpy.random, "seed", _nothing)
        _put(stack, random, "seed", _nothing)
        for place in (torch, torch.random):
            _put(stack, place, "manual_seed", lambda *_: torch.default_generator)
            _put(stack, place, "seed", torch.initial_seed)
        for name in ("manual_seed", "manual_seed_all"):
            _put(stack, torch.cuda, name, _nothing)
        yield


def _put(stack: ExitStack, place: Any, name: str, value: Callable[..., Any]) -> None:
    stack.callback(setattr, place, name, getattr(place, name))
    setattr(place, name, value)


def _nothing(*_: Any, **__: Any) -> None:
    return None

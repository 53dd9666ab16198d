"""Which expression constructed every module: the frames of `nn.Module.__init__`, read as it runs."""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

import torch
from torch import nn

from nnlint.site import Site, from_bytes

#: the attribute a module carries while it is built: copies (`copy.deepcopy` of an encoder layer) keep it
MARK = "_nnlint_site"

_TORCH = os.path.dirname(torch.__file__) + os.sep  # noqa: PTH120  compared with co_filename, a string
_positions: dict[CodeType, list[tuple[int | None, int | None, int | None, int | None]]] = {}


@contextmanager
def constructors() -> Iterator[None]:
    """While this is open, every module is marked with the expression that constructs it (see `take_sites`)."""
    original = nn.Module.__init__

    def init(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        site = constructor_site(self, sys._getframe(1))
        if site is not None:
            self.__dict__[MARK] = site

    nn.Module.__init__ = init  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.__init__ = original  # type: ignore[method-assign]


def take_sites(root: nn.Module) -> list[tuple[nn.Module, Site]]:
    """The marks of a module tree, taken off it: each module and the expression that constructed it."""
    marks = ((module, module.__dict__.pop(MARK, None)) for module in root.modules())
    return [(module, site) for module, site in marks if site is not None]


def constructor_site(module: nn.Module, frame: FrameType | None) -> Site | None:
    """The innermost expression that is neither inside torch nor inside the module's own ``__init__`` chain."""
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(_TORCH) and not _is_own(frame, module):
            return _site(code, frame.f_lasti)
        frame = frame.f_back
    return None


def _is_own(frame: FrameType, module: nn.Module) -> bool:
    """Whether the frame is a method of the module itself (or of its class: ``__new__``, a metaclass's ``__call__``)."""
    names = frame.f_code.co_varnames
    if frame.f_code.co_argcount == 0 or not names:
        return False
    first = frame.f_locals.get(names[0])
    return first is module or (first is type(module) and frame.f_code.co_name in ("__new__", "__call__"))


def _site(code: CodeType, last: int) -> Site | None:
    if code not in _positions:
        _positions[code] = list(code.co_positions())
    line, end_line, column, end_column = _positions[code][last // 2]
    if line is None or end_line is None or column is None or end_column is None:
        return None
    return from_bytes(code.co_filename, linecache.getlines(code.co_filename), line, column, end_line, end_column)

"""Which expression constructed every module: the frames of `nn.Module.__init__`, read as it runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from torch import nn

from nnlint.frames import Sources, is_foreign
from nnlint.site import Site

#: the attribute a module carries while it is built: copies (`copy.deepcopy` of an encoder layer) keep it
MARK = "_nnlint_site"

_sources = Sources()


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
    while frame is not None and (is_foreign(frame.f_code.co_filename) or _is_own(frame, module)):
        frame = frame.f_back
    return None if frame is None else _sources.at(frame)


def _is_own(frame: FrameType, module: nn.Module) -> bool:
    """Whether the frame is a method of the module itself (or of its class: ``__new__``, a metaclass's ``__call__``)."""
    names = frame.f_code.co_varnames
    if frame.f_code.co_argcount == 0 or not names:
        return False
    first = frame.f_locals.get(names[0])
    return first is module or (first is type(module) and frame.f_code.co_name in ("__new__", "__call__"))

"""Where modules are constructed: the expression of every constructor call, seen while it runs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from torch import nn

from nnlint.site import Site
from nnlint.trace.sources import frame_site, is_foreign


class ConstructorSites(dict[int, Site]):
    """`id` of a module → the expression that constructed it.

    The modules are kept alive with it, so that an id never names another object.
    """

    def __init__(self) -> None:
        super().__init__()
        self._modules: list[nn.Module] = []

    def add(self, module: nn.Module, site: Site) -> None:
        """Note the first (outermost) constructor call of a module."""
        if id(module) not in self:
            self._modules.append(module)
            self[id(module)] = site


@contextlib.contextmanager
def constructor_sites() -> Iterator[ConstructorSites]:
    """While it is entered, note the constructor call of every `nn.Module` that is built.

    The call is looked for outside torch and outside the object's own ``__init__`` chain: of ``Block(3)`` it is the
    expression ``Block(3)``, not the ``super().__init__()`` in it.
    """
    sites = ConstructorSites()
    original = nn.Module.__init__

    def init(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        frame = _caller(sys._getframe(1), self)
        site = frame_site(frame) if frame is not None else None
        if site is not None:
            sites.add(self, site)

    nn.Module.__init__ = init  # type: ignore[method-assign]
    try:
        yield sites
    finally:
        nn.Module.__init__ = original  # type: ignore[method-assign]


def _caller(frame: FrameType | None, module: nn.Module) -> FrameType | None:
    """The frame that asked for the module: neither torch's nor one of the module's own methods."""
    while frame is not None and (_belongs_to(frame, module) or is_foreign(frame.f_code.co_filename)):
        frame = frame.f_back
    return frame


def _belongs_to(frame: FrameType, module: nn.Module) -> bool:
    code = frame.f_code
    if not code.co_argcount:
        return False
    first = code.co_varnames[0]
    # a first argument that an inner function closes over lives in a cell; f_locals shows both alike
    return frame.f_locals.get(first) is module

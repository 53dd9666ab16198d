"""What the modules of a network are called, those included that it holds without registering them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import nn

from nnlint.site import Site

#: how deep to look for modules in the lists and dicts a module holds
_DEPTH = 3


class Paths:
    """Dotted paths and constructor calls of a root's modules.

    Args:
        site: finds the constructor call of a module from its path.
    """

    def __init__(self, root: nn.Module, site: Callable[[nn.Module, str], Site | None]) -> None:
        self._find_site = site
        self._registered: dict[int, str] = {}
        self._held: dict[int, str] = {}
        self._alive: list[nn.Module] = []
        self._sites: dict[int, Site | None] = {}
        self.modules: list[nn.Module] = []
        for path, module in root.named_modules():
            self._registered[id(module)] = path
            self.modules.append(module)
        for module in list(self.modules):
            self._search(module, self._registered[id(module)])

    def of(self, module: nn.Module, parent: tuple[nn.Module, str]) -> str:
        """The path of a module that ``parent`` calls."""
        path = self._registered.get(id(module))
        if path is None:
            path = self._held.get(id(module))
        if path is None:
            path = self._adopt(module, parent)
        return path

    def is_registered(self, module: nn.Module) -> bool:
        """Whether it is one of the root's own modules."""
        return id(module) in self._registered

    def site(self, module: nn.Module) -> Site | None:
        """Where it was constructed."""
        if id(module) not in self._sites:
            path = self._registered.get(id(module)) or self._held.get(id(module)) or ""
            self._sites[id(module)] = self._find_site(module, path)
        return self._sites[id(module)]

    def _search(self, module: nn.Module, path: str) -> None:
        for name, value in list(module.__dict__.items()):
            if not name.startswith(("_modules", "_parameters", "_buffers")):
                for inner, held in _held(value, name, _DEPTH):
                    self._hold(held, f"{path}.{inner}" if path else inner)

    def _hold(self, module: nn.Module, path: str) -> None:
        if id(module) in self._registered or id(module) in self._held:
            return
        for inner, child in module.named_modules():
            if id(child) not in self._registered and id(child) not in self._held:
                where = f"{path}.{inner}" if inner else path
                self._held[id(child)] = where
                self._alive.append(child)
                self.modules.append(child)
                self._search(child, where)

    def _adopt(self, module: nn.Module, parent: tuple[nn.Module, str]) -> str:
        """A module nobody holds where it can be seen: made in the pass, say. It is named after its class."""
        owner, path = parent
        self._search(owner, path)
        if id(module) not in self._held:
            name = type(module).__name__
            self._hold(module, f"{path}.{name}" if path else name)
        return self._held[id(module)]


def _held(value: Any, name: str, depth: int) -> Iterator[tuple[str, nn.Module]]:
    if isinstance(value, nn.Module):
        yield name, value
    elif depth and isinstance(value, list | tuple):
        for index, item in enumerate(value):
            if isinstance(item, nn.Module | list | tuple | dict):
                yield from _held(item, f"{name}[{index}]", depth - 1)
    elif depth and isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, nn.Module | list | tuple | dict):
                yield from _held(item, f"{name}[{key!r}]", depth - 1)

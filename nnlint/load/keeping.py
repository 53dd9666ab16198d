"""Values that belong to a module's definitions: what decorators filled, what a default or a base class is.

A network is built anew by forgetting the values of its file and making them again. Definitions are not run again (their
classes would be others), so what they needed or filled as they ran must stay: the table of a registry, above all. It is
kept with the contents it had when the definitions were done, so that every build begins with the same.
"""

from __future__ import annotations

import random
import sys
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from nnlint.load.execute import Scope
    from nnlint.load.slicing import Step

#: what is made anew for every network: it has weights, or goes on from where the last network left it
_ANEW = (torch.Tensor, nn.Module, torch.Generator, random.Random, Iterator)
#: modules whose objects are plain holders of values, as the project's own
_PLAIN = frozenset({"types", "argparse"})


class _AnewError(Exception):
    """A value holds something that is made anew for every network."""


@dataclass(frozen=True, slots=True)
class Contents:
    """A value, with what it and the containers in it held at some time."""

    value: Any
    held: tuple[tuple[Any, Any], ...]

    @property
    def changed(self) -> bool:
        """Whether something else is held now."""
        return any(not _same(_copy(container), copy) for container, copy in self.held)

    def put_back(self) -> None:
        """Have it all held again."""
        for container, copy in self.held:
            if _same(_copy(container), copy):
                continue
            if isinstance(container, list):
                container[:] = copy
            else:
                container.clear()
                (container.extend if isinstance(container, deque) else container.update)(copy)


def contents_of(value: Any, own: Collection[str]) -> Contents | None:
    """What a value holds now; None if there are weights in it, or what cannot be set back (a generator).

    Args:
        own: the names of the project's modules: objects of their classes are looked into, a library's are not.
    """
    found: dict[int, tuple[Any, Any]] = {}
    try:
        _look(value, own, found)
    except _AnewError:
        return None
    return Contents(value, tuple(found.values()))


def _look(value: Any, own: Collection[str], found: dict[int, tuple[Any, Any]]) -> None:
    kind = type(value)
    numpy = kind.__module__.partition(".")[0] == "numpy" and not isinstance(value, type)
    if isinstance(value, _ANEW) or (numpy and (kind.__name__ == "ndarray" or "random" in kind.__module__)):
        raise _AnewError
    if isinstance(value, type) or id(value) in found:
        return
    if isinstance(value, dict | list | set | deque):
        found[id(value)] = value, _copy(value)
        inside: Iterable[Any] = list(value.values() if isinstance(value, dict) else value)
    elif isinstance(value, tuple | frozenset):
        inside = value
    elif (kind.__module__ in own or kind.__module__ in _PLAIN) and hasattr(value, "__dict__"):
        inside = [vars(value)]
    else:
        return
    for part in inside:
        _look(part, own, found)


def _copy(container: Any) -> Any:
    return dict(container) if isinstance(container, dict) else list(container)


def _same(one: Any, other: Any) -> bool:
    """Whether two copies hold the same objects, in the same order."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and _same(list(one.values()), list(other.values()))
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


# ------------------------------------------------------------------------------------------------------- scopes


@dataclass(eq=False)
class _State:
    depth: int = 0


_state = _State()


@contextmanager
def keeping(scope: Scope) -> Iterator[None]:
    """While this is open, definitions run; values that they need, or fill, are kept from then on.

    Args:
        scope: the module's whose definitions are run: its imports may run those of others, and fill values of any.
    """
    if _state.depth:  # the outermost looks at all of them
        yield
        return
    own = _scopes() | {scope.namespace["__name__"]: scope}
    before = {one: _before(one, own.keys()) for one in own.values()}
    _state.depth += 1
    try:
        yield
    finally:
        _state.depth -= 1
        own |= _scopes()
        for one in own.values():
            done, contents = before.get(one, (set(), {}))
            filled = {name for name, held in contents.items() if held is not None and held.changed}
            _keep(one, [step for step in one.valued() if step.index not in done or filled & step.binds], own.keys())


def _scopes() -> dict[str, Scope]:
    """The scopes of all modules that were loaded by their definitions: also those that another file's loading left."""
    from nnlint.load.importing import DefinitionsLoader

    found = {}
    for name, module in list(sys.modules.items()):
        loader = getattr(getattr(module, "__spec__", None), "loader", None)
        if isinstance(loader, DefinitionsLoader) and module.__name__ in loader.project.scopes:
            found[name] = loader.project.scopes[module.__name__]
    return found


def _before(scope: Scope, own: Collection[str]) -> tuple[set[int], dict[str, Contents | None]]:
    done = list(scope.valued())
    names = {name for step in done for name in step.binds if name in scope.namespace}
    return {step.index for step in done}, {name: contents_of(scope.namespace[name], own) for name in names}


def _keep(scope: Scope, steps: list[Step], own: Collection[str]) -> None:
    """Keep what these steps gave values to; where they alter something that is made anew, they are to run again."""
    stay = scope.kept.keys() | {name for step in scope.steps if step.stays for name in step.binds}
    names = {name for step in steps for name in step.binds if name in scope.namespace}
    contents = {name: held for name in names if (held := contents_of(scope.namespace[name], own)) is not None}
    while True:
        kept = [step for step in steps if step.binds | step.changes <= contents.keys() | stay]
        others = {name for step in steps if step not in kept for name in step.binds | step.changes}
        if not others & contents.keys():
            break
        contents = {name: held for name, held in contents.items() if name not in others}
    scope.keep(kept, contents)

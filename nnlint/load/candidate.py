"""`Candidate`: a network that was built, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nnlint.site import Site

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A live network, as the file builds it, on the meta device.

    Attributes:
        target: how the user can name it: ``net.py:Net``, ``net.py:make_model``, ``net.py:model``.
        name: the class's name (``Sequential`` for a container).
        module: the network; its large parameters are on the meta device, in the mode it was left in.
        found: why this network and these arguments, for the report: ``built at train.py:31: Net(10)``,
            ``class with default arguments`` …
        variables: what the script binds it to, as the recipe names it (``model``, ``self.net``).
        site: the expression that builds it, or the class.
        sites: `id` of each submodule → the expression that constructed it.
        rebuild: builds it again with real values (on the CPU), for networks whose forward needs them.
        namespace: the globals of the file as far as they were executed: to evaluate input expressions in.
        built_here: whether the file itself states the arguments (a failure then is the file's, not a guess's).
        guesses: the arguments nobody states, as they were assumed (``num_classes=10``).
    """

    target: str
    name: str
    module: nn.Module
    found: str
    site: Site | None
    sites: Mapping[int, Site]
    rebuild: Callable[[], nn.Module]
    variables: tuple[str, ...] = ()
    namespace: Mapping[str, Any] = field(default_factory=dict)
    built_here: bool = True
    guesses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A network that could not be built: where, why, and what nnlint needs to be told.

    Attributes:
        built_here: whether the file itself is to blame: it states the arguments, or no arguments would help.
        needed: the import that is missing or fails, where that is the reason.
        raised: the call in the same file that a library refused, where that is the reason.
    """

    target: str
    name: str
    message: str
    site: Site | None
    help: str | None = None
    built_here: bool = True
    needed: Site | None = None
    raised: Site | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """The result of loading one script: the networks, those that failed, and what happened on the way.

    ``notes`` are sentences for stderr: missing imports that were stood in for, actions the guard refused, and so on.
    """

    candidates: tuple[Candidate, ...]
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()

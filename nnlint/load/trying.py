"""One try at building a network: what comes of it is a `Candidate`, or a `Failure` that says where and why."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from nnlint.load.answers import NotRunError
from nnlint.load.blame import blamed
from nnlint.load.candidate import Candidate, Failure
from nnlint.load.entering import UnknownArgumentError
from nnlint.load.files import raised_at
from nnlint.load.guard import RefusedError
from nnlint.load.session import Session
from nnlint.load.standin import Origin, StandInUsed, called, needed_in_forward, origin_of
from nnlint.load.timing import TookTooLongError
from nnlint.site import Site


@dataclass(frozen=True, slots=True)
class Attempt:
    """A way to build a network. ``help`` is what to do if it fails; see `Candidate` for the rest."""

    target: str
    name: str
    found: str
    site: Site | None
    make: Callable[[], Any]
    variables: tuple[str, ...] = ()
    built_here: bool = True
    help: str | None = None
    #: what `found` is where something had to be guessed
    guessed: str = ""
    #: whether the file makes this very call: only then is it to blame if it fails
    called_here: bool = True


def try_out(session: Session, attempt: Attempt) -> tuple[Candidate, ...] | Failure:
    """Build it: on the meta device, and if it needs numbers that are not there, for real and then moved.

    Returns:
        the network; several where the expression gives several, none where what it gives is no network.
    """
    try:
        return _result(session, attempt, _make(session, attempt))
    except (Exception, SystemExit, TookTooLongError) as error:
        session.trouble = str(error)
        return _failure(attempt, error, session.guesses)


def _result(session: Session, attempt: Attempt, value: Any) -> tuple[Candidate, ...] | Failure:
    found = _networks(value)
    if not found and (origin := origin_of(value)) is not None:
        return _failure(attempt, StandInUsed(origin), session.guesses)
    for module in found:
        list(module.named_modules())  # these raise without `super().__init__()`
        list(module.named_parameters())
        origin = _stood_in(module)
        if origin is not None:
            return _failure(attempt, StandInUsed(origin), session.guesses)
    return tuple(
        _candidate(session, attempt, module, place if len(found) > 1 else None) for place, module in enumerate(found)
    )


def _make(session: Session, attempt: Attempt) -> Any:
    try:
        return session.build(attempt.make)
    except Exception as error:
        if not _needs_numbers(error):
            raise
    session.reset()
    return session.build(attempt.make, real=True)


def _needs_numbers(error: Exception) -> bool:
    return "meta" in str(error) and isinstance(error, RuntimeError | NotImplementedError | TypeError | ValueError)


def _networks(value: Any) -> list[nn.Module]:
    """The networks in a value, each once."""
    return list({id(module): module for module in _modules(value)}.values())


def _modules(value: Any) -> Iterator[nn.Module]:
    if isinstance(value, nn.Module):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _modules(part)
    elif isinstance(value, dict):
        yield from _modules(list(value.values()))


def _stood_in(root: nn.Module) -> Origin | None:
    return next((origin for module in root.modules() if (origin := needed_in_forward(module)) is not None), None)


def _candidate(session: Session, attempt: Attempt, module: nn.Module, place: int | None) -> Candidate:
    found = attempt.found
    if session.guesses:
        found = f"{attempt.guessed or found} (assumed {', '.join(session.guesses)})"

    def rebuild() -> nn.Module:
        session.reset()
        value = session.build(attempt.make, real=True)
        return session.bare(_networks(value)[place or 0])

    sites = dict(session.finish(module))
    if attempt.site is not None and id(module) not in sites:
        sites[id(module)] = attempt.site
    return Candidate(
        target=attempt.target if place is None else f"{attempt.target}[{place}]",
        name=type(module).__name__,
        module=module,
        found=found,
        site=attempt.site,
        sites=sites,
        rebuild=rebuild,
        variables=attempt.variables,
        namespace=session.top.namespace,
        built_here=attempt.built_here and not session.guesses,
        guesses=tuple(session.guesses),
    )


def _failure(attempt: Attempt, error: BaseException, guesses: Sequence[str]) -> Failure:
    missing = blamed(error)
    if missing is None and "StandIn" in str(error) and called:  # torch refused one as a layer
        missing = called[-1]
    if missing is not None and not isinstance(error, StandInUsed):
        error = StandInUsed(missing).with_traceback(error.__traceback__)
    text = str(error).strip().splitlines()
    message = text[0] if text else ""
    if isinstance(error, StandInUsed):
        message = f"import-failed: {message}" if error.origin.kind == "import" else message
    elif not isinstance(error, NotRunError | RefusedError | TookTooLongError):  # those are nnlint's own words
        message = f"{type(error).__name__}: {message}".removesuffix(": ")
    where = raised_at(error)
    needed = _needed(error, where)
    raised = where if where is not None and _is_refused_call(error, attempt.site, where) else None
    if where is not None and where not in (attempt.site, needed, raised):
        message += f" (raised at {where})"
    if guesses and not isinstance(error, StandInUsed):
        message += f"; assumed {', '.join(guesses)}"
    stated = attempt.called_here and not isinstance(error, UnknownArgumentError)
    stated = stated and (not guesses or isinstance(error, StandInUsed))
    return Failure(
        attempt.target,
        attempt.name,
        message,
        attempt.site,
        _advice(attempt, error),
        attempt.built_here and (stated or isinstance(error, _NO_ARGUMENT_HELPS)),
        needed,
        raised if needed is None else None,
    )


def _is_refused_call(error: BaseException, built: Site | None, where: Site) -> bool:
    """Whether torch itself refused the arguments of a call in the file that builds the network: that call is to be
    changed (``nn.GroupNorm(7, 32)``). Where the file's own code raises, the network was given something wrong."""
    if built is None or where.file != built.file or isinstance(error, NotRunError | RefusedError | StandInUsed):
        return False
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    inside = frames[-1].f_code.co_filename
    return f"{os.sep}torch{os.sep}nn{os.sep}modules{os.sep}" in inside or "missing" in str(error)


#: errors of the code itself: no other arguments of the constructor would avoid them
_NO_ARGUMENT_HELPS = (ImportError, NameError, SyntaxError)


def _needed(error: BaseException, where: Site | None) -> Site | None:
    """The import that is what stopped a network."""
    if isinstance(error, StandInUsed):
        return error.origin.site if error.origin.kind == "import" else None
    return where if isinstance(error, ImportError) else None


def _advice(attempt: Attempt, error: BaseException) -> str | None:
    """What to do about an error: how to name the call where other arguments may help, else what the cause asks for."""
    if isinstance(error, StandInUsed) and error.origin.kind == "import":
        return import_advice(error.origin)
    if isinstance(error, ImportError):
        relative = "relative import" in str(error)
        return "check the file where it lies in its package" if relative else "check it where all it imports is"
    if isinstance(error, _NO_ARGUMENT_HELPS):
        return None
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return "it takes more memory to build than nnlint grants a file"
    return attempt.help


def import_advice(origin: Origin) -> str:
    """What to do about an import that is stood in for."""
    name = origin.name.partition(".")[0]
    missing = origin.reason == "is not installed"
    return f"install {name} where nnlint runs" if missing else f"make `import {name}` work where nnlint runs"

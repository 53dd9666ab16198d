"""From a `Script` to live networks: which ones, with which arguments, in which order."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from torch import nn

from nnlint.errors import UsageError
from nnlint.load import choosing, guard
from nnlint.load.answers import unwrap
from nnlint.load.candidate import Candidate, Failure, Loaded
from nnlint.load.session import Session
from nnlint.load.timing import elapsed
from nnlint.load.trying import Attempt, try_out
from nnlint.load.witness import witnesses
from nnlint.script.model import Factory, NetworkClass, Script
from nnlint.site import Site

#: seconds after which no further network of a file is begun: the first ones are to be examined too
TOTAL = 20.0


def load(script: Script, target: str | None = None) -> Loaded:
    """Build the networks a script defines, on the meta device, by running its definitions only.

    Args:
        script: the file, read.
        target: a name in it (a class, a factory, a variable) or a call (``Net(10)``); None for all networks.

    Returns:
        the networks in the order they were found, those that could not be built, and what happened on the way.

    Raises:
        UsageError: if the target is not in the file, or is no network.
    """
    session = Session(script)
    found = _Found(session)
    if target is not None:
        _find_target(found, target)
        if not found.candidates and not found.failures:
            raise _no_such_target(session, f"{target!r} is no network, and makes none")
    else:
        _find_all(found)
    return found.loaded()


@dataclass(eq=False)
class _Found:
    """What was built so far."""

    session: Session
    candidates: list[Candidate] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: targets that are parts of networks the file builds: it is the whole that fails
    parts: set[str] = field(default_factory=set)
    #: class names that need no further try: built, or failed with the file's own arguments
    settled: set[str] = field(default_factory=set)
    deadline: float = field(default_factory=lambda: elapsed() + TOTAL)

    def try_one(self, attempts: Iterable[Attempt]) -> bool:
        """Try ways to build one network until one works; else the first failure is the one to tell.

        That of a call in another file only where there is no other: it may say more of that file than of the network.
        """
        first: Failure | None = None
        beside: Failure | None = None
        for attempt in attempts:
            if elapsed() > self.deadline:
                message = f"not built: the networks before it took {TOTAL:g} s"
                self.failures.append(Failure(attempt.target, attempt.name, message, attempt.site, attempt.help, False))
                return False
            result = try_out(self.session, attempt)
            if not isinstance(result, Failure):
                self.candidates += result
                self.settled.update(type(candidate.module).__name__ for candidate in result)
                return bool(result)
            if attempt.built_here:
                first = first or result
            else:
                beside = beside or result
        if told := first or beside:
            self.failures.append(told)
        return False

    def classes_inside(self) -> set[str]:
        """The classes of all modules of all networks."""
        return {type(module).__name__ for found in self.candidates for module in found.module.modules()}

    def loaded(self) -> Loaded:
        """The result: each network once, parts of others left out."""
        for candidate in self.candidates:
            unwrap(candidate.module)
        notes = [*self.notes, *_missing(self.session), *(str(refusal) for refusal in guard.refusals() if refusal.site)]
        failures = [failure for failure in self.failures if failure.target not in self.parts]
        return Loaded(tuple(_whole(_distinct(self.candidates))), tuple(failures), tuple(dict.fromkeys(notes)))


def _find_all(found: _Found) -> None:
    session = found.session
    built = choosing.builds(session)
    found.parts |= choosing.parts(session, built)
    for build in built:
        found.try_one([choosing.of_build(session, build), choosing.of_build_in_part(session, build)])
    found.settled |= {build.callee for build in built}
    _find_factories(found, {build.callee for build in built})
    _find_classes(found)


def _find_factories(found: _Found, called: set[str]) -> None:
    session = found.session
    open_ones = choosing.factories(session, called)
    ready = [factory for factory in open_ones if choosing.has_defaults(factory)]
    for factory in ready[: choosing.FACTORIES]:
        found.try_one(_ways(session, factory))
    if len(ready) > choosing.FACTORIES:
        rest = ", ".join(factory.name for factory in ready[choosing.FACTORIES :])
        found.notes.append(f"{session.script.path}: not looked at without being named: {rest}")
    for factory in open_ones:
        if factory not in ready and not set(factory.builds) <= found.settled:
            found.try_one(choosing.inferred(session, factory))


def _find_classes(found: _Found) -> None:
    classes = choosing.wanted_classes(found.session)
    whole = [cls for cls in classes if not cls.used_by]
    for cls in whole or classes:
        if cls.name not in found.settled and cls.name not in found.classes_inside():
            found.try_one(_ways(found.session, cls))


def _ways(session: Session, what: NetworkClass | Factory) -> Iterable[Attempt]:
    """With the defaults where it has all of them, else with guesses."""
    if not choosing.has_defaults(what):
        yield from witnesses(session, what)
        yield from choosing.inferred(session, what)
    elif any(argument.kind.startswith("var") for argument in what.arguments) or choosing.inherits_constructor(what):
        yield from choosing.inferred(session, what)  # what it hands on may be required further up
    else:
        yield choosing.of_class(session, what) if isinstance(what, NetworkClass) else choosing.of_factory(session, what)


def _distinct(candidates: list[Candidate]) -> list[Candidate]:
    """Networks that are the same in structure once, with all the names they go by."""
    found: dict[object, Candidate] = {}
    for candidate in candidates:
        key = _structure(candidate.module)
        if key in found:
            kept = found[key]
            names = tuple(dict.fromkeys((*kept.variables, *candidate.variables)))
            found[key] = replace(kept, variables=names)
        else:
            found[key] = candidate
    return list(found.values())


def _structure(root: nn.Module) -> object:
    modules = tuple((name, type(module), _settings(module)) for name, module in root.named_modules())
    tensors = tuple((name, tuple(p.shape), p.requires_grad) for name, p in root.named_parameters() if _has_shape(p))
    return modules, tensors, root.training


def _settings(module: nn.Module) -> str:
    """What a module says of itself; where its own text fails (it is the user's code), its plain attributes."""
    try:
        return module.extra_repr()
    except Exception:
        return str({name: value for name, value in vars(module).items() if isinstance(value, int | float | str)})


def _has_shape(parameter: nn.Parameter) -> bool:
    return not isinstance(parameter, nn.parameter.UninitializedParameter)


def _whole(candidates: list[Candidate]) -> list[Candidate]:
    """Networks that are no part of another one: neither the very object, nor an instance of a class used inside."""
    kept = []
    for candidate in candidates:
        others = [other for other in candidates if other is not candidate]
        if not any(_is_inside(candidate.module, other.module) for other in others):
            kept.append(candidate)
    return kept


def _is_inside(part: nn.Module, whole: nn.Module) -> bool:
    inner = [module for module in whole.modules() if module is not whole]
    if any(module is part for module in inner):
        return True
    own = not type(part).__module__.startswith("torch.")
    return own and type(part) is not type(whole) and any(type(module) is type(part) for module in inner)


def _missing(session: Session) -> list[str]:
    return [
        f"{origin.site}: `{origin.name}` {origin.reason}; it is stood in for"
        for origin in session.project.missing.values()
    ]


# ------------------------------------------------------------------------------------------------------ targets


def _find_target(found: _Found, target: str) -> None:
    session = found.session
    if "(" in target:
        _find_call(found, target)
        return
    script = session.script
    named = [build for build in choosing.builds(session) if target in (build.variable, build.callee)]
    for build in named:
        found.try_one([choosing.of_build(session, build), choosing.of_build_in_part(session, build)])
    if named:
        return
    what = choosing.definition(session, target)
    if what is not None:
        found.try_one(_ways(session, what))
    elif target.partition(".")[0] in session.top.names():
        make = partial(_called, session, target)
        found.try_one([Attempt(f"{script.path}:{target}", target, f"the value of {target}", None, make)])
    else:
        raise _no_such_target(session, f"there is no {target!r} in this file")


def _find_call(found: _Found, target: str) -> None:
    session = found.session
    try:
        node = ast.parse(target, mode="eval").body
    except SyntaxError as error:
        raise UsageError(f"this is no Python expression ({error.msg})", where=target) from None
    name = target.partition("(")[0]
    found.try_one(
        [
            Attempt(
                f"{session.script.path}:{target}",
                name,
                f"built as asked: {target}",
                _site_of(session, name),
                lambda: session.top.evaluate(node),
            )
        ]
    )


def _site_of(session: Session, name: str) -> Site | None:
    what = choosing.definition(session, name)
    return what.site if what is not None else None


def _called(session: Session, target: str) -> object:
    value = session.top.find_value(target)
    return value() if callable(value) and not isinstance(value, nn.Module) else value


def _no_such_target(session: Session, message: str) -> UsageError:
    script = session.script
    names = dict.fromkeys(
        [
            *(c.name for c in script.networks),
            *(f.name for f in script.factories),
            *(b.variable for b in script.builds if b.owner is None),
        ]
    )
    known = ", ".join(f"{script.path}:{name}" for name in names if name)
    return UsageError(message, help=f"its networks are {known}" if known else "it defines no network")

"""From a `Script` to live networks: which ones, with which arguments, in which order."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from torch import nn

from nnlint.load.candidate import Candidate, Failure, Loaded
from nnlint.load.session import Session
from nnlint.script.model import Build, NetworkClass, Script


def load(script: Script, target: str | None = None) -> Loaded:
    """Build the networks a script defines, on the meta device, by running its definitions only.

    Args:
        script: the file, read.
        target: a name in it (a class, a factory, a variable) or a call (``Net(10)``); None for all networks.

    Returns:
        the networks in the order of the source, those that could not be built, and what happened on the way.
    """
    session = Session(script)
    candidates = [_built(session, build) for build in script.builds if build.owner is None and not build.function]
    done = {type(candidate.module).__name__ for candidate in candidates}
    candidates += [_default(session, cls) for cls in script.networks if cls.name not in done and not cls.used_by]
    return Loaded(tuple(candidates))


def _built(session: Session, build: Build) -> Candidate:
    scope = session.scope
    step = next((s for s in scope.steps if s.original is build.statement), None)

    def make() -> Any:
        if step is None or not build.variable:
            return scope.evaluate(build.node, step.index if step else len(scope.steps))
        scope.run(step)
        return scope.namespace[build.variable]

    module, sites = session.build(make)
    return Candidate(
        f"{session.script.path}:{build.variable}",
        type(module).__name__,
        module,
        f"built at {build.site}: {ast.unparse(build.node)}",
        build.site,
        sites,
        make,
        (build.variable,) if build.variable else (),
        scope.namespace,
    )


def _default(session: Session, cls: NetworkClass) -> Candidate:
    make: Callable[[], nn.Module] = lambda: getattr(session.module, cls.name)()  # noqa: E731
    module, sites = session.build(make)
    return Candidate(
        f"{session.script.path}:{cls.name}", cls.name, module, "class with default arguments", cls.site, sites, make
    )

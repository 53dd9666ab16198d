"""`Scope`: a block of code whose names get their values when they are asked for, and no sooner.

Definitions run; every other statement waits until running code looks one of its names up. So the slice a network's
construction needs is followed by Python itself, through functions and classes, and a training loop nobody asks for
never starts. The look-up is intercepted where Python looks last: the ``__builtins__`` of the block's globals.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from nnlint.load.slicing import Guard, Step, loads, steps


class Importing(Protocol):
    """How a scope's imports are run."""

    def __call__(self, step: Step, scope: Scope) -> None:
        """Run one import statement."""

    def is_local(self, step: Step) -> bool:
        """Whether it imports modules of the project, which are loaded at once (they may register what they define)."""


class _Names(dict[str, Any]):
    """Builtins that know more: a name found nowhere else is asked of the scope."""

    def __init__(self, find: Callable[[str], Any]) -> None:
        super().__init__(vars(builtins))
        self.find = find

    def __missing__(self, name: str) -> Any:
        return self.find(name)


class Scope:
    """The names of one block: a module's, or those of a function entered with given arguments.

    Args:
        body: the block's statements.
        namespace: the dictionary code runs in (a module's ``__dict__``, or a fresh one).
        filename: what code objects are named after, so that spans and tracebacks show the user's file.
        parent: where names are looked up that the block does not bind.
        flags: compiler flags (``from __future__ import annotations``).
        forced: guards taken as met whatever their test gives: the branch a build stands in.
    """

    def __init__(
        self,
        body: Sequence[ast.stmt],
        namespace: dict[str, Any],
        filename: str,
        *,
        parent: Scope | None = None,
        flags: int = 0,
        forced: Mapping[ast.expr, bool] | None = None,
        importer: Importing | None = None,
    ) -> None:
        self.namespace = namespace
        self.filename = filename
        self.parent = parent
        self.flags = flags
        self.importer = importer
        self.steps = steps(body)
        self.clock: list[int] = []
        self._tests: dict[ast.expr, bool] = dict(forced or {})
        self._done: set[int] = set()
        self._failed: dict[int, BaseException] = {}
        self._by_name: dict[str, list[Step]] = {}
        for step in self.steps:
            for name in step.binds | step.changes:
                self._by_name.setdefault(name, []).append(step)
        namespace["__builtins__"] = _Names(self.find)

    def define(self) -> None:
        """Run the definitions, in order. One that fails is remembered, and raises when it is asked for."""
        for step in self.steps:
            if step.defines or (step.imports and self.importer is not None and self.importer.is_local(step)):
                self._try(step)

    def find(self, name: str) -> Any:
        """The value of a name nothing has set yet.

        Raises:
            KeyError: if nothing gives it one (Python makes it a `NameError`).
        """
        if name in self._by_name:
            self.provide(name, self.clock[-1] if self.clock else len(self.steps))
            if name not in self.namespace:  # used above the line that sets it: a function called early
                self.provide(name, len(self.steps))
        if name in self.namespace:
            return self.namespace[name]
        if self.parent is None:
            raise KeyError(name)
        if name in self.parent.namespace:
            return self.parent.namespace[name]
        return self.parent.find(name)

    def provide(self, name: str, before: int) -> None:
        """Run what gives ``name`` its value above the step ``before``."""
        above = [step for step in self._by_name.get(name, ()) if step.index < before]
        fresh = max((place for place, step in enumerate(above) if _replaces(step, name)), default=0)
        for step in above[fresh:]:
            self.run(step)

    def run(self, step: Step) -> None:
        """Run one step, once, after what it needs; its failure is raised again whenever it is asked for."""
        if step.index in self._failed:
            raise self._failed[step.index]
        if step.index in self._done:
            return
        self._done.add(step.index)
        try:
            self._run(step)
        except Exception as error:
            self._failed[step.index] = error
            raise

    def evaluate(self, node: ast.expr, before: int) -> Any:
        """The value of an expression as it would be at a place of the block."""
        for name in sorted(loads(node)):
            self.provide(name, before)
        code = compile(ast.Expression(node), self.filename, "eval", self.flags, dont_inherit=True)
        self.clock.append(before)
        try:
            return eval(code, self.namespace)
        finally:
            self.clock.pop()

    def _try(self, step: Step) -> None:
        try:
            self.run(step)
        except Exception:  # kept by run(): raised when the name is asked for
            return

    def _run(self, step: Step) -> None:
        if not all(self._met(guard, step.index) for guard in step.guards):
            return
        if step.imports and self.importer is not None:
            self.importer(step, self)
            return
        for name in sorted(step.loads | step.changes):
            self.provide(name, step.index)
        code = compile(ast.Module([step.node], []), self.filename, "exec", self.flags, dont_inherit=True)
        self.clock.append(step.index)
        try:
            exec(code, self.namespace)
        finally:
            self.clock.pop()

    def _met(self, guard: Guard, before: int) -> bool:
        if guard.test not in self._tests:
            self._tests[guard.test] = bool(self.evaluate(guard.test, before))
        return self._tests[guard.test] is guard.wanted


def _replaces(step: Step, name: str) -> bool:
    """Whether whatever the name was before is gone for certain: ``x = 3``, but not ``x = f(x)`` or ``if c: x = 3``."""
    simple = isinstance(step.node, ast.Assign | ast.AnnAssign)
    return simple and name in step.binds and name not in step.loads | step.changes and not step.guards

"""`Scope`: a block of code whose names get their values when they are asked for, and no sooner.

Definitions run; every other statement waits until running code looks one of its names up. So the slice a network's
construction needs is followed by Python itself, through functions and classes, and a training loop nobody asks for
never starts. The look-up is intercepted where Python looks last: the ``__builtins__`` of the block's globals.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from nnlint.load.slicing import Guard, Step, aliases_of, loads, reads_own_names, steps

if TYPE_CHECKING:
    from nnlint.load.keeping import Contents


class Importing(Protocol):
    """How a scope's imports are run."""

    def __call__(self, step: Step, scope: Scope) -> ModuleType | None:
        """Run one import statement; of a star import, give the module."""

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
        importer: runs its imports.
        given: names with a value from outside (a function's arguments), made when asked for.
        forced: guards taken as decided whatever their test gives: the branch a build stands in.
    """

    def __init__(
        self,
        body: Sequence[ast.stmt],
        namespace: dict[str, Any],
        filename: str,
        *,
        parent: Scope | None = None,
        flags: int = 0,
        importer: Importing | None = None,
        given: Mapping[str, Callable[[], Any]] | None = None,
        forced: Mapping[ast.expr, bool] | None = None,
    ) -> None:
        self.body = body
        self.namespace = namespace
        self.filename = filename
        self.parent = parent
        self.flags = flags
        self.importer = importer
        self.given = given or {}
        self.steps = steps(body)
        self._forced = dict(forced or {})
        self._tests = dict(self._forced)
        self._clock: list[int] = []
        #: values that belong to the definitions: they are not forgotten
        self.kept: dict[str, Contents] = {}
        self._kept: set[int] = set()
        self._done: set[int] = set()
        self._failed: dict[int, BaseException] = {}
        self._by_name: dict[str, list[Step]] = {}
        self._stars: dict[int, ModuleType] = {}
        for step in self.steps:
            for name in step.binds | step.changes:
                self._by_name.setdefault(name, []).append(step)
            if (step.defines or step.imports) and step.binds <= namespace.keys():
                self._done.add(step.index)  # a second look at a block: its definitions are shared
        namespace["__builtins__"] = _Names(self.find)

    def define(self) -> None:
        """Run the definitions, in order, what registers them by functions of the project itself, and other names for
        them where the code looks names up in the module's table.

        One that fails is remembered, and raises when it is asked for.
        """
        own: set[str] = set()
        aliases = aliases_of(self.steps) if reads_own_names(self.body) else frozenset()
        for step in self.steps:
            local = step.defines or (step.imports and self.importer is not None and self.importer.is_local(step))
            if local:
                own |= step.binds
            if local or step.searches or step in aliases or (step.registers and step.registers <= own):
                try:
                    self.run(step)
                except Exception:  # kept by run(): raised when the name is asked for
                    continue

    def valued(self) -> Iterator[Step]:
        """The steps that ran so far and gave values: neither definitions nor imports."""
        for step in self.steps:
            if step.index in self._done - self._failed.keys() and not step.stays:
                yield step

    def keep(self, steps: Iterable[Step], contents: Mapping[str, Contents]) -> None:
        """From now on, do not forget what these steps gave values to."""
        self._kept.update(step.index for step in steps)
        self.kept.update(contents)

    def begin_like(self, other: Scope) -> None:
        """Begin with the values that belong to the definitions, as another look at the same block has them."""
        self._kept, self.kept = other._kept, other.kept
        self._done |= self._kept
        self.namespace.update({name: contents.value for name, contents in self.kept.items()})

    def reset(self) -> None:
        """Forget every value but the definitions, what belongs to them, and imports: the next look-up makes it anew."""
        for step in self.steps:
            if not step.stays and step.index not in self._kept:
                self._done.discard(step.index)
                self._failed.pop(step.index, None)
                for name in step.binds:
                    self.namespace.pop(name, None)
        for name, contents in self.kept.items():
            contents.put_back()
            self.namespace[name] = contents.value
        self._tests = dict(self._forced)

    def find(self, name: str) -> Any:
        """The value of a name nothing has set yet.

        Raises:
            KeyError: if nothing gives it one (Python makes it a `NameError`).
        """
        if name in self._by_name:
            self.provide(name, self._clock[-1] if self._clock else len(self.steps))
        if name not in self.namespace and name in self.given:
            self.namespace[name] = self.given[name]()
        if name not in self.namespace and name in self._by_name:
            self.provide(name, len(self.steps))  # used above the line that sets it: by a function called early
        if name in self.namespace:
            return self.namespace[name]
        if "*" in self._by_name and not name.startswith("__"):
            found, value = self._from_stars(name)
            if found:
                return value
        if self.parent is None:
            raise KeyError(name)
        if name in self.parent.namespace:
            return self.parent.namespace[name]
        return self.parent.find(name)

    def find_value(self, path: str) -> Any:
        """The value of a name, or of a dotted path that starts at one, at the end of the block.

        Raises:
            NameError: if nothing gives it one.
            AttributeError: if an object on the path has no such attribute.
        """
        return self.evaluate(ast.parse(path, mode="eval").body)

    def names(self) -> frozenset[str]:
        """The names the block binds."""
        return frozenset(name for step in self.steps for name in step.binds)

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

    def evaluate(self, node: ast.expr, before: int | None = None) -> Any:
        """The value of an expression as it would be at a place of the block (its end, by default)."""
        place = len(self.steps) if before is None else before
        for name in sorted(loads(node)):
            self.provide(name, place)
        code = compile(ast.Expression(node), self.filename, "eval", self.flags, dont_inherit=True)
        self._clock.append(place)
        try:
            return eval(code, self.namespace)
        finally:
            self._clock.pop()

    def met(self, guard: Guard, before: int) -> bool:
        """Whether a condition holds; its test is evaluated once."""
        if guard.test not in self._tests:
            self._tests[guard.test] = bool(self.evaluate(guard.test, before))
        return self._tests[guard.test] is guard.wanted

    def position(self, node: ast.AST) -> int:
        """The number of steps above a node of the block."""
        place = _place(node)
        return sum(1 for step in self.steps if _end(step.original) <= place)

    def changes_after(self, step: Step, name: str) -> Sequence[Step]:
        """The later steps that alter what ``step`` bound to ``name``, up to the one that binds it anew."""
        found = []
        for later in self._by_name.get(name, ()):
            if later.index > step.index:
                if name in later.binds:
                    break
                found.append(later)
        return found

    def _run(self, step: Step) -> None:
        if not all(self.met(guard, step.index) for guard in step.guards):
            return
        if step.imports and self.importer is not None:
            star = self.importer(step, self)
            if star is not None:
                self._stars[step.index] = star
            return
        for name in sorted(step.loads | step.changes):
            self.provide(name, step.index)
        code = compile(ast.Module([step.node], []), self.filename, "exec", self.flags, dont_inherit=True)
        self._clock.append(step.index)
        try:
            exec(code, self.namespace)
        finally:
            self._clock.pop()

    def _from_stars(self, name: str) -> tuple[bool, Any]:
        for step in reversed(self._by_name["*"]):
            self.run(step)
            if name in self.namespace:
                return True, self.namespace[name]
            module = self._stars.get(step.index)
            if module is not None and not name.startswith("_") and hasattr(module, name):
                return True, getattr(module, name)
        return False, None


def _replaces(step: Step, name: str) -> bool:
    """Whether whatever the name was before is gone for certain: ``x = 3``, but not ``x = f(x)`` or ``if c: x = 3``."""
    simple = isinstance(step.node, ast.Assign | ast.AnnAssign)
    return simple and name in step.binds and name not in step.loads | step.changes and not step.guards


def _place(node: ast.AST) -> tuple[int, int]:
    return (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))


def _end(node: ast.stmt) -> tuple[int, int]:
    return (node.end_lineno or node.lineno, node.end_col_offset or 0)

"""`Session`: one script being loaded: its module, the functions entered in it, what its expressions build."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from torch import nn

from nnlint.load import entering, guessing, inferring
from nnlint.load.answers import answers, unwrap
from nnlint.load.blame import blamed
from nnlint.load.building import building, to_meta
from nnlint.load.constructors import constructors, take_sites
from nnlint.load.execute import Scope
from nnlint.load.importing import Finder, levels_of, project_of
from nnlint.load.places import FunctionNode, Places
from nnlint.load.slicing import Guard
from nnlint.load.standin import StandInUsed, origin_of, used
from nnlint.load.timing import time_limit
from nnlint.script.model import Build, Script
from nnlint.site import Site

#: seconds one network may take to build: the others of the file are to have a chance
ATTEMPT = 15.0


class Session:
    """A script's module, loaded by its definitions, and what is built from it.

    Attributes:
        guesses: what had to be assumed for the value that is being made, in sentences.
        trouble: what the attempt that failed last said.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.places = Places(script.tree)
        self.guesses: list[str] = []
        self.trouble = ""
        self.project = project_of(script.path, levels_of(script.tree))
        self.project.trees[str(self.project.script)] = script.tree
        self._scopes: dict[FunctionNode, Scope] = {}
        self._objects: dict[ast.ClassDef, Any] = {}
        self._beside: dict[str, Session] = {}
        # with the modules themselves: as long as they are held, no other object has their `id`
        self._sites: dict[int, tuple[nn.Module, Site]] = {}
        sys.meta_path.insert(0, Finder(self.project))
        sys.path[:0] = [root for root in self.project.roots if root not in sys.path]
        self.module: ModuleType = self._import()

    def _import(self) -> ModuleType:
        sys.modules.pop(self.project.name, None)
        with self.loading():
            try:
                return importlib.import_module(self.project.name)
            except Exception:
                if "." not in self.project.name:
                    raise
            # an installed package that does not import as it is: its definitions may be enough
            self.project.adopted = self.project.name.partition(".")[0]
            for name in [name for name in sys.modules if name.partition(".")[0] == self.project.adopted]:
                del sys.modules[name]
            return importlib.import_module(self.project.name)

    @contextmanager
    def loading(self, *, real: bool = False) -> Iterator[None]:
        """The state code is run in while it is loaded."""
        with answers(), constructors():
            if real:
                yield
            else:
                with building():
                    yield

    # ------------------------------------------------------------------------------------------------- scopes

    @property
    def top(self) -> Scope:
        """The module's own scope."""
        return self.project.scopes[self.project.name]

    def scope(self, function: FunctionNode | None) -> Scope:
        """The scope of a function's body, entered with the arguments the file calls it with; the module's for None."""
        if function is None:
            return self.top
        if function not in self._scopes:
            self._scopes[function] = Scope(
                function.body,
                self.fresh_namespace(),
                self.top.filename,
                parent=self.scope(self.places.function(function)),
                flags=self.top.flags,
                importer=self.top.importer,
                given=entering.arguments(self, function),
            )
        return self._scopes[function]

    def fresh_namespace(self) -> dict[str, Any]:
        """Globals for a block of the module that is none of its own."""
        names = ("__name__", "__package__", "__file__", "__spec__", "__loader__")
        return {name: vars(self.module)[name] for name in names if name in vars(self.module)}

    def instance(self, cls: ast.ClassDef) -> Any:
        """The object ``self`` is in the methods of a class that is no network: its attributes are made when needed."""
        if cls not in self._objects:
            self._objects[cls] = entering.instance(self, cls)
        return self._objects[cls]

    def beside(self, script: Script) -> Session:
        """Another file of the project, loaded the same way."""
        if script.source not in self._beside:
            self._beside[script.source] = Session(script)
        return self._beside[script.source]

    def reset(self) -> None:
        """Forget every value, definitions excepted."""
        for session in self._beside.values():
            session.reset()
        for scope in self.project.scopes.values():
            scope.reset()
        self._scopes.clear()
        self._objects.clear()

    # ------------------------------------------------------------------------------------------------- builds

    def value_of(self, build: Build) -> Any:
        """The network an expression of the file builds, with what the file does to it afterwards."""
        scope = self._scope_of(build)
        step = next((step for step in scope.steps if step.original is build.statement), None)
        if step is None or not build.variable or build.owner is not None or not self._is_whole(build):
            return scope.evaluate(self.places.first_of(build.node), scope.position(build.statement))
        scope.run(step)
        name = build.variable if build.variable.startswith("self.") else build.variable.split(".")[0]
        value = scope.evaluate(ast.parse(build.variable, mode="eval").body, step.index + 1)
        for change in scope.changes_after(step, name):
            scope.run(change)
        return value

    def _is_whole(self, build: Build) -> bool:
        """Whether the statement binds the network itself (not a list of it)."""
        return not any(
            isinstance(above, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)
            for above in self._within(build)
        )

    def _within(self, build: Build) -> Iterator[ast.AST]:
        for above in self.places.above(build.node):
            if above is build.statement:
                return
            yield above

    def _scope_of(self, build: Build) -> Scope:
        function = self.places.function(build.node)
        scope = self.scope(function)
        guards = self.places.guards(build.statement)
        if not self._all_met(scope, guards, build):
            other = Scope(
                scope.body,
                self.fresh_namespace() if function else _Definitions.of(scope),
                scope.filename,
                parent=scope.parent if function else scope,
                flags=scope.flags,
                importer=scope.importer,
                given=scope.given,
                forced={guard.test: guard.wanted for guard in guards},
            )
            if not function:
                other.begin_like(scope)
            scope = other
        for loop in self.places.loops(build.statement):
            scope = self._first_round(loop, scope)
        return scope

    def _all_met(self, scope: Scope, guards: tuple[Guard, ...], build: Build) -> bool:
        try:
            return all(scope.met(guard, scope.position(build.statement)) for guard in guards)
        except Exception:  # the condition cannot be told (it asks for data, say): then the branch is taken
            return False

    def _first_round(self, loop: ast.For | ast.While, scope: Scope) -> Scope:
        """A loop's body in its first round."""
        given: Mapping[str, Callable[[], Any]] = {}
        if isinstance(loop, ast.For):
            names = [node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)]
            given = {name: lambda name=name: self._first_item(loop, scope, name) for name in names}  # type: ignore[misc]
        return Scope(
            loop.body,
            self.fresh_namespace(),
            scope.filename,
            parent=scope,
            flags=scope.flags,
            importer=scope.importer,
            given=given,
        )

    def _first_item(self, loop: ast.For, scope: Scope, name: str) -> Any:
        """What a loop's variable is in its first round."""
        generator = ast.GeneratorExp(
            ast.Name(name, ast.Load()), [ast.comprehension(loop.target, loop.iter, [], is_async=0)]
        )
        call = ast.Call(ast.Name("next", ast.Load()), [generator], [])
        return scope.evaluate(ast.fix_missing_locations(ast.copy_location(call, loop.iter)), scope.position(loop))

    def build(self, make: Callable[[], Any], *, real: bool = False) -> Any:
        """Run what builds a network; its guesses are in `guesses` afterwards."""
        self.guesses.clear()
        used.clear()
        with self.loading(real=real), time_limit(ATTEMPT):
            value = make()
        self.guesses += dict.fromkeys(used)
        return value

    def call_in_part(self, build: Build, call: ast.Call) -> Any:
        """What a build calls, with guesses for those arguments that cannot be evaluated; it is called."""
        scope = self._scope_of(build)
        place = scope.position(build.statement)
        made = scope.evaluate(call.func, place)
        names = list(inspect.signature(made).parameters.values())
        args: list[Any] = []
        for parameter, node in zip(_positions(names), call.args, strict=False):
            args.append(self._argument(scope, node, parameter, place))
        by_name = {parameter.name: parameter for parameter in names}
        kwargs = {
            keyword.arg: self._argument(scope, keyword.value, by_name[keyword.arg], place)
            for keyword in call.keywords
            if keyword.arg in by_name
        }
        return made(*args, **kwargs)

    def _argument(self, scope: Scope, node: ast.expr, parameter: inspect.Parameter, place: int) -> Any:
        try:
            value = scope.evaluate(node, place)
            if (origin := origin_of(value)) is not None:
                raise StandInUsed(origin)
        except Exception as error:
            value = parameter.default
            if value is inspect.Parameter.empty:
                value = guessing.guess(parameter.name, inferring.annotation_text(parameter))
            if value is None:
                raise
            origin = blamed(error)
            reason = error if origin is None else origin.message
            self.guesses.append(f"{parameter.name}={value!r}, for `{ast.unparse(node)}` is not known: {reason}")
        return value

    def bare(self, module: nn.Module) -> nn.Module:
        """A module without what loading left in it."""
        take_sites(module)
        unwrap(module)
        return module

    def finish(self, module: nn.Module) -> Mapping[int, Site]:
        """Move a built network to the meta device; give the constructor expressions of its modules."""
        to_meta(module)
        self._sites |= {id(part): (part, site) for part, site in take_sites(module)}
        return {id(part): self._sites[id(part)][1] for part in module.modules() if id(part) in self._sites}


def _positions(parameters: list[inspect.Parameter]) -> Iterator[inspect.Parameter]:
    """The parameter that each positional argument is for: ``*layers`` takes all that are left."""
    for parameter in parameters:
        while parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            yield parameter
        yield parameter


class _Definitions:
    """A namespace for a second look at a module: its definitions and imports, none of its values."""

    @staticmethod
    def of(scope: Scope) -> dict[str, Any]:
        kept = {name for step in scope.steps if step.defines or step.imports for name in step.binds}
        return {name: value for name, value in scope.namespace.items() if name in kept or name.startswith("__")}

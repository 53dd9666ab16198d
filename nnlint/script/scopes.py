"""Scopes: modules, classes, functions and lambdas, and everything that is bound and used in each."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
ScopeNode = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
BindingKind = Literal["import", "class", "function", "assign", "parameter", "other"]


@dataclass(frozen=True, slots=True)
class Binding:
    """One place that binds a name: ``value`` for a plain assignment, ``dotted`` for an import."""

    kind: BindingKind
    node: ast.AST
    value: ast.expr | None = None
    dotted: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """A name or attribute chain that is read, and the name it starts with."""

    root: str
    node: ast.Name | ast.Attribute


@dataclass(eq=False, slots=True)
class Scope:
    """A module, class, function or lambda, what it binds, and the nodes of its own body that others ask for.

    The body is read when something of it is first asked for: of the files that a script imports, most never is.
    """

    node: ScopeNode
    name: str  # qualified name, "" for the module
    parent: Scope | None
    #: reads the body into the scope; None once that is done
    pending: Callable[[Scope], None] | None
    _bindings: dict[str, list[Binding]] = field(default_factory=dict)
    #: names that a ``global`` or ``nonlocal`` statement hands to an outer scope
    outer: set[str] = field(default_factory=set)
    _inner: list[Scope] = field(default_factory=list)
    _calls: list[ast.Call] = field(default_factory=list)
    _assigns: list[ast.Assign] = field(default_factory=list)
    _returns: list[ast.Return] = field(default_factory=list)
    _loads: list[Load] = field(default_factory=list)

    def fill(self) -> None:
        """Reads the body, unless that was done before."""
        if self.pending is not None:
            read, self.pending = self.pending, None
            read(self)

    @property
    def bindings(self) -> dict[str, list[Binding]]:
        """Name → everything it is bound to in this scope."""
        if self.pending is not None:
            self.fill()
        return self._bindings

    @property
    def inner(self) -> list[Scope]:
        """The scopes directly within this one."""
        self.fill()
        return self._inner

    @property
    def calls(self) -> list[ast.Call]:
        """The calls in this scope's own body."""
        self.fill()
        return self._calls

    @property
    def assigns(self) -> list[ast.Assign]:
        """The assignments in this scope's own body."""
        self.fill()
        return self._assigns

    @property
    def returns(self) -> list[ast.Return]:
        """The ``return`` statements of this function."""
        self.fill()
        return self._returns

    @property
    def loads(self) -> list[Load]:
        """The names and attribute chains this scope computes with: no annotations, no ``isinstance`` tests."""
        self.fill()
        return self._loads

    @property
    def is_class(self) -> bool:
        """Whether it is a class body, whose names the functions in it do not see."""
        return isinstance(self.node, ast.ClassDef)

    def lookup(self, name: str) -> tuple[Scope, list[Binding]] | None:
        """The scope that binds the name as seen from here, and all its bindings there."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.bindings.get(name)
            if found and (scope is self or not scope.is_class):
                return scope, found
            scope = scope.parent
        return None

    def module(self) -> Scope:
        """The outermost scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def walk(self) -> Iterator[Scope]:
        """This scope and all those within it, in the order of the source."""
        yield self
        for scope in self.inner:
            yield from scope.walk()


def all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    """Every parameter of a signature, in order."""
    found = [*arguments.posonlyargs, *arguments.args]
    if arguments.vararg:
        found.append(arguments.vararg)
    found += arguments.kwonlyargs
    if arguments.kwarg:
        found.append(arguments.kwarg)
    return found

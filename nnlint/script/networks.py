"""Which classes of a file are networks, and which of its functions return one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from nnlint.script import torchnames
from nnlint.script.naming import Names, Reference
from nnlint.script.project import Project
from nnlint.script.scopes import FunctionNode, Scope
from nnlint.script.tables import table_of, tables

#: how classes that judge instead of computing are called
LOSS_NAME = re.compile(r"(Loss|Losses|Criterion|CrossEntropy)\d*$|(^|[._])(loss|criterion)$")
_STAR_DEPTH = 3
#: alternative constructors by the names libraries give them
_CONSTRUCTOR_METHOD = re.compile(r"^_?(from_|load_from_|build_from_)\w+$")


class Networks:
    """The classes and functions of one file, asked whether they are or give networks. Answers are remembered."""

    def __init__(self, names: Names, path: Path, project: Project) -> None:
        self.names = names
        self.path = path
        self.project = project
        self._classes: dict[Scope, bool] = {}
        self._factories: dict[Scope, tuple[str, ...]] = {}
        self._imported: dict[str, bool] = {}
        self._tables: frozenset[str] | None = None

    # -- classes

    def is_module(self, scope: Scope) -> bool:
        """Whether a class of this file is (or inherits from) ``torch.nn.Module``, loss classes included."""
        if scope not in self._classes:
            self._classes[scope] = False  # a class that inherits from itself is nothing
            self._classes[scope] = self._inherits(scope)
        return self._classes[scope]

    def is_network(self, scope: Scope) -> bool:
        """Whether a class of this file is a network: a module, and no loss."""
        return self.is_module(scope) and not self.is_loss(scope)

    def is_loss(self, scope: Scope) -> bool:
        """Whether a module class of this file is a loss, by its own name or its bases."""
        if LOSS_NAME.search(scope.name):
            return True
        return any(torchnames.is_loss_class(name) for name in self.bases(scope))

    def bases(self, scope: Scope) -> tuple[str, ...]:
        """The dotted names of a class's bases; an expression that cannot be resolved keeps its source text."""
        found = []
        for base in self._base_expressions(scope):
            reference = self.names.resolve(base, scope.parent or scope)
            found.append(reference.dotted if reference else ast.unparse(base))
        return tuple(found)

    def _base_expressions(self, scope: Scope) -> Iterator[ast.expr]:
        assert isinstance(scope.node, ast.ClassDef)
        for base in scope.node.bases:
            yield base.value if isinstance(base, ast.Subscript) else base

    def _inherits(self, scope: Scope) -> bool:
        unknown = False
        for base in self._base_expressions(scope):
            reference = self.names.resolve(base, scope.parent or scope)
            if reference is None:
                unknown = True
            elif reference.scope is not None and reference.scope.is_class:
                if self.is_module(reference.scope):
                    return True
            else:
                answer = self._imported_module(reference.dotted)
                if answer:
                    return True
                unknown = unknown or answer is None
        return unknown and self._behaves_like_a_module(scope)

    def _imported_module(self, dotted: str) -> bool | None:
        """Whether an imported class is a module; None where its source is not part of the project."""
        if torchnames.is_module_class(dotted):
            return True
        if torchnames.is_torch(dotted) or "." not in dotted or torchnames.is_foreign(dotted):
            return False
        defined = self.project.define(dotted, self.path)
        if defined is None:
            return None
        file, name = defined
        scope = file.class_named(name)
        return scope is not None and file.is_module(scope)

    def class_named(self, name: str) -> Scope | None:
        """The class of that qualified name at module level (or nested in classes there)."""
        scope = self.names.module
        for part in name.split("."):
            bindings = scope.bindings.get(part, [])
            node = bindings[-1].node if bindings else None
            if not isinstance(node, ast.ClassDef):
                return None
            scope = self.names.scopes[node]
        return scope

    def _behaves_like_a_module(self, scope: Scope) -> bool:
        """Whether a class with a base from elsewhere computes like a module: a forward, or layers made in it."""
        assert isinstance(scope.node, ast.ClassDef)
        for function in methods(scope.node):
            if (
                function.name in {"forward", "training_step"}
                and not is_static(function)
                and len(function.args.args) > 1
            ):
                return True
            if function.name == "__init__" and any(self._makes_layer(statement, scope) for statement in function.body):
                return True
        return False

    def _makes_layer(self, statement: ast.stmt, scope: Scope) -> bool:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call):
            return False
        target = statement.targets[0]
        own = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self"
        dotted = self.names.dotted(statement.value.func, scope) if own else None
        return dotted is not None and torchnames.is_module_class(dotted)

    def base_scopes(self, scope: Scope) -> Iterator[tuple[Networks, Scope]]:
        """The bases of a class whose source is known: in this file or in the project, nearest first, each once."""
        queue: list[tuple[Networks, Scope]] = [(self, scope)]
        seen: set[Scope] = {scope}
        while queue:
            file, current = queue.pop(0)
            for base in file._base_expressions(current):
                found = file._class_of(base, current)
                if found and found[1] not in seen:
                    seen.add(found[1])
                    queue.append(found)
                    yield found

    def _class_of(self, base: ast.expr, scope: Scope) -> tuple[Networks, Scope] | None:
        reference = self.names.resolve(base, scope.parent or scope)
        if reference is None:
            return None
        if reference.scope is not None:
            return (self, reference.scope) if reference.scope.is_class else None
        if torchnames.is_torch(reference.dotted):
            return None
        defined = self.project.define(reference.dotted, self.path)
        found = defined[0].class_named(defined[1]) if defined else None
        return (defined[0], found) if defined and found else None

    # -- what gives a network

    def gives_network(self, call: ast.Call, scope: Scope) -> str | None:
        """The dotted name of the callee, if the call is known to return a network."""
        if self._is_from_table(call.func, scope):
            return ast.unparse(call.func)
        reference = self.names.resolve(call.func, scope)
        if reference is None:
            return None
        if self.is_constructor(reference):
            return reference.dotted
        if isinstance(call.func, ast.Attribute) and self._is_alternative_constructor(call.func, reference, scope):
            return reference.dotted
        return None

    def _is_from_table(self, function: ast.expr, scope: Scope) -> bool:
        table = table_of(function)
        if table is None:
            return False
        owner = scope.lookup(table.id)
        if owner is None or owner[0] is not self.names.module:
            return False
        if self._tables is None:
            self._tables = frozenset()  # while it is found out
            assert isinstance(self.names.module.node, ast.Module)
            self._tables = tables(self.names.module.node, self._is_own_network)
        return table.id in self._tables

    def _is_own_network(self, expr: ast.expr) -> bool:
        """Whether an expression at module level names a network of the project: a layer of torch is none."""
        if not isinstance(expr, ast.Name | ast.Attribute):
            return False
        reference = self.names.resolve(expr, self.names.module)
        return reference is not None and not torchnames.is_torch(reference.dotted) and self.is_constructor(reference)

    def is_constructor(self, reference: Reference) -> bool:
        """Whether calling what is referred to gives a network: a class, a factory, a layer, a library's function."""
        if reference.scope is not None:
            return self.is_network(reference.scope) if reference.scope.is_class else bool(self.factory(reference.scope))
        if reference.dotted not in self._imported:
            self._imported[reference.dotted] = self._imported_constructor(reference)
        return self._imported[reference.dotted]

    def _imported_constructor(self, reference: Reference) -> bool:
        if torchnames.is_layer(reference.dotted) or torchnames.is_model_function(reference.dotted):
            return True
        if (
            torchnames.is_torch(reference.dotted)
            or "." not in reference.dotted
            or torchnames.is_foreign(reference.dotted)
        ):
            return False
        defined = self.project.define(reference.dotted, self.path)
        return defined is not None and defined[0].defines_constructor(defined[1])

    def defines_constructor(self, name: str) -> bool:
        """Whether a name at module level of this file is a network class or a factory."""
        scope = self.class_named(name)
        if scope is not None:
            return self.is_network(scope)
        bindings = self.names.module.bindings.get(name, [])
        node = bindings[-1].node if bindings else None
        if isinstance(node, ast.FunctionDef):
            return bool(self.factory(self.names.scopes[node]))
        alias = bindings[-1].value if bindings else None
        if isinstance(alias, ast.Name | ast.Attribute):
            reference = self.names.resolve(alias, self.names.module)
            return reference is not None and self.is_constructor(reference)
        return False

    def offers_constructor(self, depth: int = 0) -> bool:
        """Whether anything that can be reached as an attribute of this module is a network class or a factory."""
        for name, bindings in list(self.names.module.bindings.items()):
            if self.defines_constructor(name) or any(self._offers(binding.dotted) for binding in bindings):
                return True
        return depth < _STAR_DEPTH and any(self._star_offers(star, depth) for star in self.names.stars)

    def _offers(self, dotted: str) -> bool:
        return bool(dotted) and not torchnames.is_torch(dotted) and self.is_constructor(Reference(dotted))

    def _star_offers(self, star: str, depth: int) -> bool:
        found = self.project.find(star, self.path)
        file = self.project.read(found[0]) if found is not None and found[0] != self.path else None
        return file is not None and file.offers_constructor(depth + 1)

    def _is_alternative_constructor(self, func: ast.Attribute, reference: Reference, scope: Scope) -> bool:
        owner = self.names.resolve(func.value, scope)
        if owner is None or (owner.scope is not None and not owner.scope.is_class):
            return False
        if owner.scope is None and not owner.dotted.rpartition(".")[2][:1].isupper():
            return False  # a function of a module, not a method of a class
        if not self.is_constructor(owner):
            return False
        if reference.node is not None:
            return any(_returns_class(node) for node in ast.walk(reference.node))
        return bool(_CONSTRUCTOR_METHOD.match(func.attr))

    def factory(self, scope: Scope) -> tuple[str, ...]:
        """The callees of the networks a function returns; empty where it returns none."""
        if scope not in self._factories:
            self._factories[scope] = ()  # a recursive function gives what its other returns give
            self._factories[scope] = tuple(dict.fromkeys(self._returned(scope)))
        return self._factories[scope]

    def trains(self, scope: Scope) -> bool:
        """Whether a function goes through a training: it needs the data, and is no way to build the network."""
        if scope.is_class:
            return False
        calls = (call.func for inner in scope.walk() for call in inner.calls)
        return any(isinstance(func, ast.Attribute) and func.attr == "backward" for func in calls)

    def _returned(self, scope: Scope) -> Iterator[str]:
        if not isinstance(scope.node, ast.FunctionDef):
            return
        for statement in scope.returns:
            if statement.value is not None:
                yield from self._networks_of(statement.value, scope, 0)

    def _networks_of(self, expr: ast.expr, scope: Scope, depth: int) -> Iterator[str]:
        for callee, _ in self.expression(expr, scope):
            yield callee
        name = strip(expr, self, scope)
        if isinstance(name, ast.Name) and depth < 4:
            for binding in scope.bindings.get(name.id, []):
                if binding.kind == "assign" and binding.value is not None and binding.value is not expr:
                    yield from self._networks_of(binding.value, scope, depth + 1)

    def expression(self, expr: ast.expr, scope: Scope) -> Iterator[tuple[str, ast.Call]]:
        """The constructor calls an expression may be the result of, behind moves and wrappers, with their callees."""
        inner = strip(expr, self, scope)
        if isinstance(inner, ast.IfExp):
            yield from self.expression(inner.body, scope)
            yield from self.expression(inner.orelse, scope)
        elif isinstance(inner, ast.BoolOp):
            for value in inner.values:
                yield from self.expression(value, scope)
        elif isinstance(inner, ast.Call):
            callee = self.gives_network(inner, scope)
            if callee is not None:
                yield callee, inner


def strip(expr: ast.expr, networks: Networks, scope: Scope) -> ast.expr:
    """The expression inside moves (``.to(device)``) and wrappers (``nn.DataParallel(...)``)."""
    while True:
        if isinstance(expr, ast.NamedExpr):
            expr = expr.value
        elif not isinstance(expr, ast.Call):
            return expr
        elif isinstance(expr.func, ast.Attribute) and expr.func.attr in torchnames.SELF_METHODS:
            if networks.names.dotted(expr.func, scope) in torchnames.WRAPPERS:
                return expr
            expr = expr.func.value
        elif expr.args and networks.names.dotted(expr.func, scope) in torchnames.WRAPPERS:
            expr = expr.args[0]
        else:
            return expr


def methods(node: ast.ClassDef) -> Iterator[FunctionNode]:
    """The methods a class defines itself."""
    return (item for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef))


def is_static(function: FunctionNode) -> bool:
    """Whether a method is a static one."""
    return any(isinstance(item, ast.Name) and item.id == "staticmethod" for item in function.decorator_list)


def _returns_class(node: ast.AST) -> bool:
    """Whether a node returns (or makes) an instance of the class a method is called on."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "cls"

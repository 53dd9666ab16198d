"""Reads the body of a scope: what it binds, calls, assigns, returns and computes with."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nnlint.script.scopes import Binding, FunctionNode, Load, Scope, ScopeNode, all_arguments

if TYPE_CHECKING:
    from nnlint.script.naming import Names

#: calls that ask about classes instead of making objects of them
_ABOUT_CLASSES = frozenset({"isinstance", "issubclass", "super"})
_LEAVES = frozenset({ast.Constant, ast.Pass, ast.Break, ast.Continue, ast.Load, ast.Store, ast.Del, ast.alias})


class Collector:
    """Visits the nodes of one body; written for speed, since every node of a file passes here."""

    def __init__(self, names: Names, scope: Scope) -> None:
        self.names = names
        self.scope = scope
        self.quiet = False  # inside a call about classes
        self.handlers: dict[type[ast.AST], Callable[[Any], None]] = {
            ast.Name: self._name,
            ast.Attribute: self._attribute,
            ast.Call: self._call,
            ast.Assign: self._assign,
            ast.AnnAssign: self._annotated,
            ast.NamedExpr: self._named,
            ast.Return: self._return,
            ast.FunctionDef: self._function,
            ast.AsyncFunctionDef: self._function,
            ast.ClassDef: self._class,
            ast.Lambda: self._lambda,
            ast.Import: self._import,
            ast.ImportFrom: self._import_from,
            ast.Global: self._global,
            ast.Nonlocal: self._global,
            ast.comprehension: self._comprehension,
            ast.ExceptHandler: self._handler,
            ast.MatchAs: self._pattern,
            ast.MatchStar: self._pattern,
        }

    def visit(self, node: ast.AST) -> None:
        """Reads a node and everything in it that belongs to the scope."""
        handler = self.handlers.get(type(node))
        if handler is not None:
            handler(node)
        elif type(node) not in _LEAVES:
            self.children(node)

    def children(self, node: ast.AST) -> None:
        """Reads what is in a node."""
        for name in node._fields:
            value = getattr(node, name, None)
            if type(value) is list:
                for item in value:
                    if isinstance(item, ast.AST):
                        self.visit(item)
            elif isinstance(value, ast.AST):
                self.visit(value)

    def bind(self, name: str, binding: Binding) -> None:
        """Binds a name, in this scope or the one a ``global`` or ``nonlocal`` statement names."""
        scope = self.scope
        if name in scope.outer:
            scope = self._owner(scope, name)
        scope._bindings.setdefault(name, []).append(binding)

    def _owner(self, scope: Scope, name: str) -> Scope:
        above = scope.parent
        while above is not None and above.parent is not None:
            if name in above._bindings and not above.is_class:
                return above
            above = above.parent
        return scope.module()

    def enter(self, node: ScopeNode, name: str) -> Scope:
        """The scope of a definition in this one, its body still to be read."""
        parent = self.scope
        prefix = parent.name
        if prefix and not parent.is_class:
            prefix += ".<locals>"
        scope = Scope(node, f"{prefix}.{name}" if prefix else name, parent, self.names.read_body)
        parent._inner.append(scope)
        self.names.scopes[node] = scope
        return scope

    def _class(self, node: ast.ClassDef) -> None:
        self.bind(node.name, Binding("class", node))
        self.quiet, saved = True, self.quiet  # a class is not made of its bases
        for expr in [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]:
            self.visit(expr)
        self.quiet = saved
        self.enter(node, node.name)

    def _function(self, node: FunctionNode) -> None:
        self.bind(node.name, Binding("function", node))
        for expr in [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]:
            self.visit(expr)
        self._parameters(self.enter(node, node.name), node.args)

    def _lambda(self, node: ast.Lambda) -> None:
        for expr in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
            self.visit(expr)
        self._parameters(self.enter(node, "<lambda>"), node.args)

    def _parameters(self, scope: Scope, arguments: ast.arguments) -> None:
        for argument in all_arguments(arguments):
            scope._bindings[argument.arg] = [Binding("parameter", argument)]

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.asname:
                self.bind(alias.asname, Binding("import", node, dotted=alias.name))
            else:
                root = alias.name.partition(".")[0]
                self.bind(root, Binding("import", node, dotted=root))

    def _import_from(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        joint = "" if module.endswith(".") or not module else "."
        for alias in node.names:
            if alias.name == "*":
                self.names.stars.append(module)
            else:
                self.bind(alias.asname or alias.name, Binding("import", node, dotted=f"{module}{joint}{alias.name}"))

    def _global(self, node: ast.Global | ast.Nonlocal) -> None:
        self.scope.outer.update(node.names)

    def _return(self, node: ast.Return) -> None:
        self.scope._returns.append(node)
        if node.value is not None:
            self.visit(node.value)

    def _call(self, node: ast.Call) -> None:
        self.scope._calls.append(node)
        if isinstance(node.func, ast.Name) and node.func.id in _ABOUT_CLASSES:
            self.quiet, saved = True, self.quiet
            self.children(node)
            self.quiet = saved
        else:
            self.children(node)

    def _assign(self, node: ast.Assign) -> None:
        self.scope._assigns.append(node)
        for target in node.targets:
            self._target(target, node, node.value)
        self.visit(node.value)

    def _annotated(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._target(node.target, node, node.value)
            self.visit(node.value)

    def _named(self, node: ast.NamedExpr) -> None:
        self._target(node.target, node, node.value)
        self.visit(node.value)

    def _target(self, target: ast.expr, node: ast.AST, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.bind(target.id, Binding("assign", node, value))
        elif isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
            starred = any(isinstance(part, ast.Starred) for part in target.elts)
            if starred or len(value.elts) != len(target.elts):
                self.visit(target)
            else:
                for part, part_value in zip(target.elts, value.elts, strict=True):
                    self._target(part, node, part_value)
        else:
            self.visit(target)

    def _name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.bind(node.id, Binding("other", node))
        elif not self.quiet:
            self.scope._loads.append(Load(node.id, node))

    def _attribute(self, node: ast.Attribute) -> None:
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            root = root.value
        if not isinstance(root, ast.Name):
            self.visit(root)
        elif not self.quiet:
            self.scope._loads.append(Load(root.id, node))

    def _comprehension(self, node: ast.comprehension) -> None:
        # its targets live in the comprehension alone: they must not make a name of this scope ambiguous
        for expr in [node.iter, *node.ifs]:
            self.visit(expr)

    def _handler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.bind(node.name, Binding("other", node))
        self.children(node)

    def _pattern(self, node: ast.MatchAs | ast.MatchStar) -> None:
        if node.name:
            self.bind(node.name, Binding("other", node))
        self.children(node)

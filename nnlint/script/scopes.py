"""Names: which scope a name belongs to, everything it is bound to there, and the dotted name it stands for."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from nnlint.script.torchnames import words

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
ScopeNode = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
BindingKind = Literal["import", "class", "function", "assign", "parameter", "other"]

_BUILTINS = frozenset(dir(builtins))
_ALIAS_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Binding:
    """One place that binds a name: ``value`` for a plain assignment, ``dotted`` for an import."""

    kind: BindingKind
    node: ast.AST
    value: ast.expr | None = None
    dotted: str = ""


@dataclass(eq=False, slots=True)
class Scope:
    """A module, class, function or lambda, and what it binds."""

    node: ScopeNode
    name: str  # qualified name, "" for the module
    parent: Scope | None
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    #: names that a ``global`` or ``nonlocal`` statement hands to an outer scope
    outer: set[str] = field(default_factory=set)
    inner: list[Scope] = field(default_factory=list)

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


@dataclass(frozen=True, slots=True)
class Reference:
    """What an expression names: its dotted name, and the definition where this file has it."""

    dotted: str
    node: ast.ClassDef | FunctionNode | None = None
    scope: Scope | None = None  # the scope of the definition itself


class Names:
    """Every scope of one file, and the resolution of names to dotted names."""

    def __init__(self, tree: ast.Module) -> None:
        self.stars: list[str] = []
        self.scopes: dict[ScopeNode, Scope] = {}
        self.module = _Collector(self).collect(tree)

    def imports(self) -> dict[str, str]:
        """Local name → dotted name, those of the module first, then those made inside functions."""
        found: dict[str, str] = {}
        for scope in self.module.walk():
            for name, bindings in scope.bindings.items():
                for binding in bindings:
                    if binding.kind == "import":
                        found.setdefault(name, binding.dotted)
        return found

    def resolve(self, expr: ast.expr, scope: Scope, depth: int = 0) -> Reference | None:
        """What a name or attribute chain stands for; None where that depends on how the program runs."""
        if isinstance(expr, ast.Name):
            return self.resolve_name(expr.id, scope, depth)
        if isinstance(expr, ast.Attribute):
            base = self.resolve(expr.value, scope, depth)
            return None if base is None else self._attribute(base, expr.attr)
        return None

    def dotted(self, expr: ast.expr, scope: Scope) -> str | None:
        """The dotted name an expression stands for."""
        found = self.resolve(expr, scope)
        return None if found is None else found.dotted

    def resolve_name(self, name: str, scope: Scope, depth: int = 0) -> Reference | None:
        """What a bare name stands for, seen from a scope."""
        found = scope.lookup(name)
        if found is None:
            if name in _BUILTINS:
                return Reference(name)
            return Reference(star) if (star := self._from_star(name)) else None
        owner, bindings = found
        imported = [binding.dotted for binding in bindings if binding.kind == "import"]
        if imported:  # `try: from a import X / except ImportError: X = None` is an import of X
            return Reference(imported[0])
        return self._bound(bindings[0], owner, depth) if len(bindings) == 1 else None

    def _bound(self, binding: Binding, owner: Scope, depth: int) -> Reference | None:
        if isinstance(binding.node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            inner = self.scopes[binding.node]
            return Reference(inner.name, binding.node, inner)
        if binding.kind == "assign" and isinstance(binding.value, ast.Name | ast.Attribute) and depth < _ALIAS_DEPTH:
            return self.resolve(binding.value, owner, depth + 1)
        return None

    def _attribute(self, base: Reference, name: str) -> Reference | None:
        if base.scope is None or not base.scope.is_class:
            return Reference(f"{base.dotted}.{name}")
        bindings = base.scope.bindings.get(name, [])
        node = bindings[0].node if len(bindings) == 1 else None
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            inner = self.scopes[node]
            return Reference(inner.name, node, inner)
        return Reference(f"{base.dotted}.{name}")

    def _from_star(self, name: str) -> str | None:
        if not self.stars or name.startswith("_"):
            return None
        if len(self.stars) == 1:
            return f"{self.stars[0]}.{name}"
        for module in self.stars:
            if _is_exported(module, name):
                return f"{module}.{name}"
        return None


_OPTIMISERS = words(
    "Adadelta Adagrad Adam AdamW SparseAdam Adamax ASGD LBFGS NAdam Optimizer RAdam RMSprop Rprop SGD Adafactor Muon "
    "lr_scheduler"
)
_DATA = words(
    "DataLoader Dataset IterableDataset TensorDataset ConcatDataset ChainDataset Subset random_split Sampler "
    "RandomSampler SequentialSampler SubsetRandomSampler WeightedRandomSampler BatchSampler DistributedSampler"
)


def _is_exported(module: str, name: str) -> bool:
    """Which of several star imports of torch's modules a name comes from, by the way torch names things."""
    match module:
        case "torch.optim":
            return name in _OPTIMISERS
        case "torch.utils.data":
            return name in _DATA
        case "torch.nn":
            capital = name[0].isupper() and name not in _OPTIMISERS | _DATA and name != "Tensor"
            return capital or name in {"functional", "init", "utils", "parameter"}
        case "torch.nn.functional":
            return name[0].islower()
        case "torch":
            return name in {"nn", "optim", "utils", "Tensor", "cuda", "device", "no_grad", "backends"}
    return False


class _Collector(ast.NodeVisitor):
    """Fills the scopes in one pass over the tree."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.scope: Scope

    def collect(self, tree: ast.Module) -> Scope:
        self.scope = Scope(tree, "", None)
        self.names.scopes[tree] = self.scope
        for statement in tree.body:
            self.visit(statement)
        return self.scope

    def bind(self, name: str, binding: Binding) -> None:
        scope = self.scope
        if name in scope.outer:
            scope = self._outer(scope, name)
        scope.bindings.setdefault(name, []).append(binding)

    def _outer(self, scope: Scope, name: str) -> Scope:
        if isinstance(scope.node, ast.FunctionDef | ast.AsyncFunctionDef):
            above = scope.parent
            while above is not None and above.parent is not None:
                if name in above.bindings and not above.is_class:
                    return above
                above = above.parent
        return scope.module()

    def enter(self, node: ScopeNode, name: str) -> Scope:
        parent = self.scope
        prefix = parent.name
        if prefix and not parent.is_class:
            prefix += ".<locals>"
        scope = Scope(node, f"{prefix}.{name}" if prefix else name, parent)
        parent.inner.append(scope)
        self.names.scopes[node] = scope
        return scope

    def within(self, scope: Scope, body: list[ast.stmt] | list[ast.expr]) -> None:
        self.scope, saved = scope, self.scope
        for node in body:
            self.visit(node)
        self.scope = saved

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.bind(node.name, Binding("class", node))
        for expr in [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]:
            self.visit(expr)
        self.within(self.enter(node, node.name), node.body)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def _function(self, node: FunctionNode) -> None:
        self.bind(node.name, Binding("function", node))
        for expr in [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]:
            self.visit(expr)
        scope = self.enter(node, node.name)
        self._parameters(scope, node.args)
        self.within(scope, node.body)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        scope = self.enter(node, "<lambda>")
        self._parameters(scope, node.args)
        self.within(scope, [node.body])

    def _parameters(self, scope: Scope, arguments: ast.arguments) -> None:
        for argument in all_arguments(arguments):
            scope.bindings[argument.arg] = [Binding("parameter", argument)]

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.asname:
                self.bind(alias.asname, Binding("import", node, dotted=alias.name))
            else:
                root = alias.name.partition(".")[0]
                self.bind(root, Binding("import", node, dotted=root))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        joint = "" if module.endswith(".") or not module else "."
        for alias in node.names:
            if alias.name == "*":
                self.names.stars.append(module)
            else:
                self.bind(alias.asname or alias.name, Binding("import", node, dotted=f"{module}{joint}{alias.name}"))

    def visit_Global(self, node: ast.Global) -> None:
        self.scope.outer.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.scope.outer.update(node.names)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._target(target, node, node.value)
        self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._target(node.target, node, node.value)
            self.visit(node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._target(node.target, node, node.value)
        self.visit(node.value)

    def _target(self, target: ast.expr, node: ast.AST, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.bind(target.id, Binding("assign", node, value))
        elif isinstance(target, ast.Tuple | ast.List):
            same = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
            starred = any(isinstance(part, ast.Starred) for part in target.elts)
            if same and not starred:
                for part, part_value in zip(target.elts, value.elts, strict=True):  # type: ignore[attr-defined]
                    self._target(part, node, part_value)
            else:
                self.visit(target)
        else:
            self.visit(target)

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.bind(node.id, Binding("other", node))

    def visit_comprehension(self, node: ast.comprehension) -> None:
        # its targets live in the comprehension alone: they must not make a name of this scope ambiguous
        for expr in [node.iter, *node.ifs]:
            self.visit(expr)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.bind(node.name, Binding("other", node))
        self.generic_visit(node)


def all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    """Every parameter of a signature, in order."""
    found = [*arguments.posonlyargs, *arguments.args]
    if arguments.vararg:
        found.append(arguments.vararg)
    found += arguments.kwonlyargs
    if arguments.kwarg:
        found.append(arguments.kwarg)
    return found

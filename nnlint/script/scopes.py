"""Names: which scope a name belongs to, everything it is bound to there, and the dotted name it stands for."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from nnlint.names import name_of_dotted
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
        self.module = Scope(tree, "", None, self.read_body)
        self.scopes[tree] = self.module

    def read_all(self) -> Names:
        """Reads every body of the file now: ``scopes`` is complete from then on."""
        for scope in self.module.walk():
            scope.fill()
        return self

    def read_body(self, scope: Scope) -> None:
        """Reads the body of a scope into it; functions and classes in it are entered, but not read yet."""
        collector = _Collector(self, scope)
        body = [scope.node.body] if isinstance(scope.node, ast.Lambda) else scope.node.body
        for node in body:
            collector.visit(node)

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
#: beside the operations
_OF_TORCH = words(
    "nn optim utils cuda backends Tensor device no_grad randn rand zeros ones empty full randint randperm arange "
    "linspace eye tensor as_tensor from_numpy randn_like rand_like zeros_like ones_like manual_seed load save "
    "float32 double half long"
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
            return name in _OF_TORCH or name_of_dotted(f"torch.{name}") is not None
    return False


#: calls that ask about classes instead of making objects of them
_ABOUT_CLASSES = frozenset({"isinstance", "issubclass", "super"})
_LEAVES = frozenset({ast.Constant, ast.Pass, ast.Break, ast.Continue, ast.Load, ast.Store, ast.Del, ast.alias})


class _Collector:
    """Reads the bodies of scopes; written for speed, since every node of a file passes here."""

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
        handler = self.handlers.get(type(node))
        if handler is not None:
            handler(node)
        elif type(node) not in _LEAVES:
            self.children(node)

    def children(self, node: ast.AST) -> None:
        for name in node._fields:
            value = getattr(node, name, None)
            if type(value) is list:
                for item in value:
                    if isinstance(item, ast.AST):
                        self.visit(item)
            elif isinstance(value, ast.AST):
                self.visit(value)

    def bind(self, name: str, binding: Binding) -> None:
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


def all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    """Every parameter of a signature, in order."""
    found = [*arguments.posonlyargs, *arguments.args]
    if arguments.vararg:
        found.append(arguments.vararg)
    found += arguments.kwonlyargs
    if arguments.kwarg:
        found.append(arguments.kwarg)
    return found

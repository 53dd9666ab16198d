"""Names: the dotted name that an expression stands for, imports and aliases resolved."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass

from nnlint.names import name_of_dotted
from nnlint.script.collect import Collector
from nnlint.script.scopes import Binding, FunctionNode, Scope, ScopeNode
from nnlint.script.torchnames import words

_BUILTINS = frozenset(dir(builtins))
_ALIAS_DEPTH = 8


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
        collector = Collector(self, scope)
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

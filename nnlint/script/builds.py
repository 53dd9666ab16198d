"""`Build`: the expressions of a file that make a network."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from nnlint.script.evidence import Evidence
from nnlint.script.model import Build
from nnlint.script.networks import Networks
from nnlint.script.scopes import Scope
from nnlint.script.spans import Spans

#: what variables are called that hold a loss, whatever the class is called
_JUDGES = re.compile(r"(^|[._])(criterion|criteria|loss|losses|loss_fn|loss_fct|loss_func|loss_function)(_\w+)?$")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the walk is: the scope, the network class around it, the statement, and what its value is bound to."""

    scope: Scope
    owner: str | None
    main: bool


def find_builds(tree: ast.Module, networks: Networks, spans: Spans, evidence: Evidence) -> tuple[Build, ...]:
    """Every expression that builds a network, in the order of the source.

    ``Build.node`` is the outermost expression that still is the network, ``Build.site`` the constructor call in it.
    """
    walker = _Walker(networks, spans, evidence)
    walker.body(tree.body, _Place(networks.names.module, None, False))
    return tuple(walker.found)


class _Walker:
    def __init__(self, networks: Networks, spans: Spans, evidence: Evidence) -> None:
        self.networks = networks
        self.spans = spans
        self.evidence = evidence
        self.found: list[Build] = []

    def body(self, statements: list[ast.stmt], place: _Place) -> None:
        for statement in statements:
            self.statement(statement, place)

    def statement(self, node: ast.stmt, place: _Place) -> None:
        if isinstance(node, ast.ClassDef):
            scope = self.networks.names.scopes[node]
            owner = scope.name if self.networks.is_module(scope) else place.owner
            self.body(node.body, _Place(scope, owner, place.main))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            scope = self.networks.names.scopes[node]
            for default in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
                self.expression(default, node, place)
            self.body(node.body, _Place(scope, place.owner, place.main))
        elif isinstance(node, ast.If) and is_main_test(node.test) and not place.scope.name:
            self.body(node.body, _Place(place.scope, place.owner, True))
            self.body(node.orelse, place)
        elif isinstance(node, ast.Assign):
            self.assign(node, node.targets, node.value, place)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self.assign(node, [node.target], node.value, place)
        else:
            self.children(node, node, place)

    def children(self, node: ast.AST, statement: ast.stmt, place: _Place) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                self.statement(child, place)
            elif isinstance(child, ast.expr):
                self.expression(child, statement, place)
            elif not isinstance(child, ast.expr_context | ast.operator | ast.cmpop | ast.unaryop | ast.boolop):
                self.children(child, statement, place)

    def assign(self, statement: ast.stmt, targets: list[ast.expr], value: ast.expr, place: _Place) -> None:
        for target in targets[:1]:
            pairs = zip(target.elts, value.elts, strict=False) if _parallel(target, value) else [(target, value)]  # type: ignore[attr-defined]
            for part, part_value in pairs:
                self.expression(part_value, statement, place, _variable(part), part)

    def expression(
        self, node: ast.expr, statement: ast.stmt, place: _Place, variable: str = "", target: ast.expr | None = None
    ) -> None:
        scope = place.scope
        if isinstance(node, ast.Lambda):
            self.expression(node.body, statement, _Place(self.networks.names.scopes[node], place.owner, place.main))
            return
        if isinstance(node, ast.NamedExpr):
            self.expression(node.value, statement, place, _variable(node.target), node.target)
            return
        if isinstance(node, ast.IfExp | ast.BoolOp):
            self.branches(node, statement, place, variable, target)
            return
        found = self.networks.expression(node, scope) if isinstance(node, ast.Call) else ()
        calls = [(callee, call) for callee, call in found if not self._is_training(call, scope)]
        if not calls and isinstance(node, ast.Call) and target is not None:
            calls = self.evidence.constructor(node, target, scope)
        if calls and target is not None and (_JUDGES.search(variable) or self.evidence.is_part(target, scope)):
            return  # a loss, or a new part of a network: `model.fc = nn.Linear(512, 10)`
        for callee, call in calls:
            self.add(callee, call, node, statement, place, variable)
        if not calls:
            self.children(node, statement, place)

    def _is_training(self, call: ast.Call, scope: Scope) -> bool:
        """Whether a call trains the network that it gives: what it builds is found in its body."""
        function = self.networks.names.resolve(call.func, scope)
        return function is not None and function.scope is not None and self.networks.trains(function.scope)

    def branches(
        self, node: ast.IfExp | ast.BoolOp, statement: ast.stmt, place: _Place, variable: str, target: ast.expr | None
    ) -> None:
        parts = [node.body, node.orelse] if isinstance(node, ast.IfExp) else node.values
        for part in parts:
            self.expression(part, statement, place, variable, target)
        if isinstance(node, ast.IfExp):
            self.expression(node.test, statement, place)

    def add(
        self, callee: str, call: ast.Call, node: ast.expr, statement: ast.stmt, place: _Place, variable: str
    ) -> None:
        function = place.scope.name
        if place.scope.is_class:
            function = ""
        self.found.append(
            Build(callee, node, statement, self.spans.of(call), variable, function, place.owner, place.main)
        )


def _parallel(target: ast.expr, value: ast.expr) -> bool:
    both = isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List)
    return both and len(target.elts) == len(value.elts)  # type: ignore[attr-defined]


def _variable(target: ast.expr) -> str:
    """What a target is called: ``model``, ``self.net``; "" for one that has no name (``nets[0]``)."""
    parts = []
    while isinstance(target, ast.Attribute):
        parts.append(target.attr)
        target = target.value
    if not isinstance(target, ast.Name):
        return ""
    return ".".join([target.id, *reversed(parts)])


def is_main_test(test: ast.expr) -> bool:
    """Whether a condition is ``__name__ == "__main__"``."""
    if not isinstance(test, ast.Compare) or len(test.comparators) != 1 or not isinstance(test.ops[0], ast.Eq):
        return False
    sides = [test.left, test.comparators[0]]
    named = any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides)
    return named and any(isinstance(side, ast.Constant) and side.value == "__main__" for side in sides)

"""Follows a script's values from statement to statement, through its own functions and classes.

Branches are joined, loops are walked once with what they change made uncertain, and functions are entered with the
arguments of their calls, a few times each. What was never called is walked at the end with unknown arguments.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from nnlint.script.builds import is_main_test
from nnlint.script.functions import Functions
from nnlint.script.modes import merged
from nnlint.script.scopes import FunctionNode, Scope
from nnlint.script.state import Frame
from nnlint.script.values import (
    UNKNOWN,
    ClassObject,
    Function,
    Instance,
    Known,
    Net,
    Unknown,
    Value,
    join,
    join_all,
    losses_of,
    sources_of,
    widen,
)


class Follower(Functions):
    """Walks statements."""

    def follow(self, tree: ast.Module) -> None:
        """Follows a whole file: the module, then every function and method that was not entered on the way."""
        self.body(tree.body)
        for scope in list(self.names.module.walk()):
            if isinstance(scope.node, ast.FunctionDef | ast.AsyncFunctionDef) and scope not in self.entered:
                self._alone(scope)

    def _alone(self, scope: Scope) -> None:
        owner = scope.parent
        if owner is None or not owner.is_class:
            self.modes.now = {}  # whoever calls it may have set any mode
            self.run(Function(scope, self.closures.get(scope)), [], {})
            return
        bound = self._object_of(owner)
        self.modes.now = {}
        if scope in self.entered:  # making the object may have entered it
            return
        self.run(Function(scope, self.closures.get(owner), bound), [], {})

    def _object_of(self, scope: Scope) -> Value:
        """An object of a class, for the methods that the file does not call itself."""
        if self.networks.is_module(scope):
            if scope not in self.network_attributes:
                self.prepare_network(scope, [], {})
            return Net("self", scope)
        made = self.objects.setdefault(scope, [])
        if not made:
            made.append(Instance(scope))
            self.construct(scope, made[0], [], {})
        if len(made) == 1:
            return made[0]
        shared = set(made[0].attributes).intersection(*(set(other.attributes) for other in made))
        return Instance(scope, {name: join_all(other.attributes[name] for other in made) for name in sorted(shared)})

    # -- statements

    def body(self, statements: list[ast.stmt]) -> bool:
        """Walks statements in order; whether they end in leaving the block."""
        return any(self.statement(node) for node in statements)

    def statement(self, node: ast.stmt) -> bool:
        """Walks one statement; whether it leaves the block (``return``, ``raise``, ``break``, ``continue``)."""
        method: Callable[[ast.stmt], bool | None] | None = getattr(self, f"_do_{type(node).__name__.lower()}", None)
        if method is None:
            self._children(node)
            return False
        return bool(method(node))

    def _do_expr(self, node: ast.Expr) -> None:
        self.evaluate(node.value)

    def _do_return(self, node: ast.Return) -> bool:
        if node.value is not None:
            self.frame.returned.append(self.evaluate(node.value))
        if self.modes.returns:
            self.modes.returns[-1].append(dict(self.modes.now))
        return True

    def _do_raise(self, node: ast.Raise) -> bool:
        self._children(node)
        return True

    def _do_break(self, node: ast.Break) -> bool:
        del node
        if self.modes.breaks:
            self.modes.breaks[-1].append(dict(self.modes.now))
        return True

    def _do_continue(self, node: ast.Continue) -> bool:
        del node
        return True

    def _do_import(self, node: ast.Import) -> None:
        del node

    def _do_importfrom(self, node: ast.ImportFrom) -> None:
        del node

    def _do_functiondef(self, node: ast.FunctionDef) -> None:
        self._define(node)

    def _do_asyncfunctiondef(self, node: ast.AsyncFunctionDef) -> None:
        self._define(node)

    def _define(self, node: FunctionNode) -> None:
        scope = self.names.scopes[node]
        self.closures[scope] = self.frame
        self.frame.variables[node.name] = Function(scope, self.frame)
        for item in node.decorator_list:
            if self._switches_off(item):
                args = [self.evaluate(arg) for arg in item.args] if isinstance(item, ast.Call) else []
                self.frame, saved = Frame(scope, self.frame), self.frame
                self.note_no_grad(item, args, (node.lineno, node.end_lineno or node.lineno))
                self.frame = saved
            else:
                self.evaluate(item)

    def _do_classdef(self, node: ast.ClassDef) -> None:
        scope = self.names.scopes[node]
        self.closures[scope] = self.frame
        frame = Frame(scope, self.frame)
        self.class_frames[scope] = frame
        for item in node.decorator_list:
            self.evaluate(item)
        self.frame, saved = frame, self.frame
        self.body(node.body)
        self.frame = saved
        self.frame.variables[node.name] = ClassObject(scope)
        if self.record.framework is None and any(
            name.endswith(".LightningModule") for name in self.networks.bases(scope)
        ):
            self.record.framework = self.spans.fact("lightning", node.bases[0])

    def _do_assign(self, node: ast.Assign) -> None:
        value = self.evaluate(node.value)
        if _adds_to(node.value, node.targets[0]):
            self.note_kept(node.targets[0], value, node.value, node)
        for target in node.targets:
            value = self.assign(target, value, node.value)

    def _do_annassign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.assign(node.target, self.evaluate(node.value), node.value)

    def _do_augassign(self, node: ast.AugAssign) -> None:
        old = self.evaluate(node.target)
        added = self.evaluate(node.value)
        if isinstance(node.op, ast.Add):
            self.note_kept(node.target, added, node.value, node)
        new = self.binary(old, added, node)
        if isinstance(node.target, ast.Name):
            self.bind(node.target.id, new)
        elif isinstance(node.target, ast.Attribute | ast.Subscript):
            self.assign(node.target, new if losses_of(new) else Unknown("", sources_of(new)), None)

    # -- branches and loops

    def _do_if(self, node: ast.If) -> bool:
        tests: list[tuple[ast.expr, list[ast.stmt]]] = []
        rest: list[ast.stmt] = [node]
        while len(rest) == 1 and isinstance(rest[0], ast.If):  # `elif` chains are nested: no recursion for them
            tests.append((rest[0].test, rest[0].body))
            rest = rest[0].orelse
        for test, _ in tests:
            self.evaluate(test)
        if len(tests) == 1 and not rest and _always(node.test):
            return self.body(node.body)
        return self._branches([(body, test) for test, body in tests] + [(rest, None)])

    def _branches(self, branches: list[tuple[list[ast.stmt], ast.expr | None]]) -> bool:
        """Walks alternatives from the same start, and joins what they leave; whether all of them leave the block."""
        before = dict(self.frame.variables)
        ends: list[dict[str, Value]] = []
        modes, ends_of_modes = self.modes.now, []
        for statements, test in branches:
            self.frame.variables = dict(before)
            self.modes.now = dict(modes)
            if test is not None:
                self.tests.append(test)
            self.branches += 1
            left = self.body(statements)
            self.branches -= 1
            if test is not None:
                self.tests.pop()
            if not left:
                ends.append(self.frame.variables)
                ends_of_modes.append(self.modes.now)
        self.frame.variables = _joined(ends) if ends else before
        self.modes.now = merged(ends_of_modes) if ends else modes
        return not ends

    def _do_for(self, node: ast.For) -> None:
        self._for(node)

    def _do_asyncfor(self, node: ast.AsyncFor) -> None:
        self._for(node)

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        iterated = self.evaluate(node.iter)
        self._widen(node)
        self.note_loop(iterated)
        self.rounds.append((node, iterated, self._count(iterated)))
        self.frame.loops.append(node)
        self.assign(node.target, self.element(iterated), None)
        self.begin_loop(node)
        self.body(node.body)
        self.modes.leave_loop(node)
        self.frame.loops.pop()
        self.rounds.pop()
        self.body(node.orelse)

    def _do_while(self, node: ast.While) -> None:
        self.evaluate(node.test)
        self._widen(node)
        self.rounds.append((node, UNKNOWN, None))
        self.frame.loops.append(node)
        self.begin_loop(node)
        self.body(node.body)
        self.modes.leave_loop(node)
        self.frame.loops.pop()
        self.rounds.pop()
        self.body(node.orelse)

    def _widen(self, node: ast.stmt) -> None:
        for name in self.assigned_in(node):
            if name in self.frame.variables:
                self.frame.variables[name] = widen(self.frame.variables[name])

    def assigned_in(self, loop: ast.stmt) -> frozenset[str]:
        """The variables that a loop's body changes."""
        if loop not in self.changed:
            names = {
                item.id for item in ast.walk(loop) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
            }
            self.changed[loop] = frozenset(names)
        return self.changed[loop]

    def _do_with(self, node: ast.With) -> bool:
        return self._with(node)

    def _do_asyncwith(self, node: ast.AsyncWith) -> bool:
        return self._with(node)

    def _with(self, node: ast.With | ast.AsyncWith) -> bool:
        off = 0
        for item in node.items:
            expr = item.context_expr
            value = self.evaluate(expr)
            if self._switches_off(expr):
                args = [self.evaluate(arg) for arg in expr.args] if isinstance(expr, ast.Call) else []
                self.note_no_grad(expr, args, (node.lineno, node.end_lineno or node.lineno))
                off += not args or args[0] == Known(False, expr)
            elif isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute) and expr.func.attr == "accumulate":
                self.record.accumulation = self.record.accumulation or self.spans.fact(ast.unparse(expr), expr)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, expr)
        self.without_grad += off
        left = self.body(node.body)
        self.without_grad -= off
        return left

    def _do_try(self, node: ast.Try) -> bool:
        return self._try(node)

    def _do_trystar(self, node: ast.TryStar) -> bool:
        return self._try(node)

    def _try(self, node: ast.Try | ast.TryStar) -> bool:
        left = self.body(node.body) or self.body(node.orelse)
        after = dict(self.frame.variables)
        for handler in node.handlers:
            self._branches([(handler.body, None), ([], None)])
        if not left:
            self.frame.variables = {name: self.frame.variables.get(name, value) for name, value in after.items()}
        return self.body(node.finalbody) or left

    def _do_match(self, node: ast.Match) -> bool:
        self.evaluate(node.subject)
        return self._branches([*((case.body, None) for case in node.cases), ([], None)])

    def _do_delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.frame.variables.pop(target.id, None)


def _joined(ends: list[dict[str, Value]]) -> dict[str, Value]:
    """The variables after several branches."""
    if len(ends) == 1:
        return ends[0]
    names: dict[str, None] = {}
    for end in ends:
        names |= dict.fromkeys(end)
    joined: dict[str, Value] = {}
    for name in names:
        found = [end.get(name) for end in ends]
        value = found[0]
        for other in found[1:]:
            value = join(value, other) if value is not None or other is not None else None
        if value is not None:
            joined[name] = value
    return joined


def _adds_to(value: ast.expr, target: ast.expr) -> bool:
    """Whether a value is the sum of its target and something: ``total = total + loss``."""
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Add):
        return False
    sides = [side for side in (value.left, value.right) if isinstance(side, ast.Name | ast.Attribute)]
    return any(ast.unparse(side) == ast.unparse(target) for side in sides)


def _always(test: ast.expr) -> bool:
    """Whether a condition holds whenever the file is run as a script (or always)."""
    return is_main_test(test) or (isinstance(test, ast.Constant) and bool(test.value))

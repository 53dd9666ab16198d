"""What happens in the loops that train, in order, the functions that they call included.

The follower knows what every call is done to, but enters a function a few times only. Here the calls that it noted are
put into the order of the source, for every loop: wherever a function of the file is named, its body counts as run
there. That may be too much, never too little: a rule can trust that what is not in a loop's events does not happen.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from nnlint.recipe import Event, EventKind, TrainingLoop
from nnlint.script import torchnames
from nnlint.script.record import Record
from nnlint.script.spans import Spans

_KINDS: dict[str, EventKind] = {
    "backwards": "backward",
    "zero_grads": "zero_grad",
    "steps": "step",
    "scheduler_steps": "scheduler_step",
    "handed": "handed",
    "trains": "mode",
    "evals": "mode",
}
#: functions that compute gradients, or train a network, by themselves
_GRADIENTS = frozenset(
    {"grad", "grad_and_value", "value_and_grad", "vjp", "jvp", "jacrev", "functional_call", "minimize"}
)
#: methods of networks and Lightning modules, which leave the gradients alone
_OF_MODULES = torchnames.MODULE_METHODS | {"log", "log_dict", "print"}
#: how often the same event is told of one function: twice, so that it also comes after the others
_MOST_TIMES = 2
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Loop = ast.For | ast.AsyncFor | ast.While


def training_loops(tree: ast.Module, record: Record, spans: Spans) -> tuple[TrainingLoop, ...]:
    """The loops of a file in which there is a step of an optimiser or a `backward()`; inner ones first."""
    walker = _Walker(tree, record, spans)
    found = []
    for loop, function in _loops(tree.body, ""):
        events = tuple(_bounded(walker.of_loop(loop)))
        if any(event.kind in {"backward", "step"} for event in events):
            found.append(TrainingLoop(spans.header(loop), function, events))
    return tuple(found)


def _loops(nodes: Iterable[ast.AST], function: str, *, in_class: bool = False) -> Iterator[tuple[_Loop, str]]:
    """The loops among statements (and in them), with the dotted name of the function they stand in."""
    for node in nodes:
        if isinstance(node, ast.expr):
            continue
        name = function
        if isinstance(node, _Function | ast.ClassDef):
            inner = function if in_class or not function else f"{function}.<locals>"
            name = f"{inner}.{node.name}" if inner else node.name
        yield from _loops(ast.iter_child_nodes(node), name, in_class=isinstance(node, ast.ClassDef))
        if isinstance(node, _Loop):
            yield node, function


class _Walker:
    def __init__(self, tree: ast.Module, record: Record, spans: Spans) -> None:
        self.spans = spans
        self.events: dict[int, Event] = {}
        for kind, name in _KINDS.items():
            for key, call in record.calls.get(kind, {}).items():
                self.events[key] = Event(name, call.target, call.site)
        for loss in record.losses:
            network = loss.output.network if loss.output else ""
            self.events.setdefault(id(loss.call), Event("loss", network, spans.of(loss.call)))
        self.forwards = {key for key, _ in record.forwards}
        self.methods: dict[str, list[_Function]] = {}
        self.functions: dict[str, list[_Function]] = {}
        self.stored: set[str] = set()
        self._index(tree)
        self.known: dict[_Function, tuple[Event, ...]] = {}
        self.active: set[_Function] = set()

    def _index(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                self.stored.add(node.attr)
            for child in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(child, _Function):
                    self.methods.setdefault(child.name, []).append(child)
        methods = {function for found in self.methods.values() for function in found}
        for node in ast.walk(tree):
            if isinstance(node, _Function) and node not in methods:
                self.functions.setdefault(node.name, []).append(node)

    def of_loop(self, loop: _Loop) -> Iterator[Event]:
        """What happens in one round of a loop."""
        if isinstance(loop, ast.While):
            yield from self.visit(loop.test)
        for statement in loop.body:
            yield from self.visit(statement)

    def visit(self, node: ast.AST) -> Iterator[Event]:
        """What happens in a statement or expression, in order."""
        if isinstance(node, ast.stmt):
            yield from self._statement(node)
        elif isinstance(node, ast.ExceptHandler | ast.match_case | ast.IfExp):
            yield from self._perhaps(ast.iter_child_nodes(node))
        elif isinstance(node, ast.expr):
            yield from self._expression(node)
        else:
            yield from self._all(ast.iter_child_nodes(node))

    def _statement(self, node: ast.stmt) -> Iterator[Event]:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return
            case ast.For() | ast.AsyncFor():
                yield from self.visit(node.iter)
                yield from self._deeper(node.body)
                yield from self._all(node.orelse)
            case ast.While():
                yield from self._deeper([node.test, *node.body])
            case ast.If():
                yield from self.visit(node.test)
                yield from self._perhaps([*node.body, *node.orelse])
            case ast.Assign() | ast.AugAssign() | ast.AnnAssign():
                yield from self._assignment(node)
            case ast.Expr(value=ast.Attribute() as attribute):  # `optimizer.step` without its parentheses does nothing
                yield from self.visit(attribute.value)
            case _:
                yield from self._all(ast.iter_child_nodes(node))

    def _expression(self, node: ast.expr) -> Iterator[Event]:
        match node:
            case ast.BinOp():
                chain: list[ast.AST] = [node.right]
                left = node.left
                while isinstance(left, ast.BinOp):  # long sums are chains to the left: no recursion for them
                    chain.append(left.right)
                    left = left.left
                yield from self._all([left, *reversed(chain)])
            case ast.Call():
                yield from self._call(node)
            case ast.Name():
                yield from self._functions(self.functions.get(node.id, ()))
            case ast.Attribute():
                yield from self.visit(node.value)
                yield from self._attribute(node)
            case _:
                yield from self._all(ast.iter_child_nodes(node))

    def _attribute(self, node: ast.Attribute) -> Iterator[Event]:
        if id(node) in self.events:
            yield self.events[id(node)]
        elif isinstance(node.ctx, ast.Del) and node.attr == "grad":
            yield Event("zero_grad", ast.unparse(node.value), self.spans.of(node))
        elif isinstance(node.ctx, ast.Load):
            if node.attr == "step":
                yield Event("any_step", ast.unparse(node.value), self.spans.of(node))
            yield from self._functions(self.methods.get(node.attr, ()))

    def _perhaps(self, nodes: Iterable[ast.AST]) -> Iterator[Event]:
        return (replace(event, certain=False) for event in self._all(nodes))

    def _all(self, nodes: Iterable[ast.AST]) -> Iterator[Event]:
        for node in nodes:
            yield from self.visit(node)

    def _deeper(self, nodes: Iterable[ast.AST]) -> Iterator[Event]:
        return (replace(event, depth=event.depth + 1) for event in self._all(nodes))

    def _functions(self, functions: Iterable[_Function]) -> Iterator[Event]:
        for function in functions:
            if function in self.active:
                continue
            if function not in self.known:
                self.active.add(function)
                self.known[function] = tuple(_bounded(self._all(function.body)))
                self.active.discard(function)
            yield from self.known[function]

    def _assignment(self, node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> Iterator[Event]:
        if node.value is not None:
            yield from self.visit(node.value)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from self._all(targets)
        for target in targets:
            if (cleared := _gradient_of(target)) is not None and id(target) not in self.events:
                yield Event("zero_grad", cleared, self.spans.of(target))
            elif isinstance(target, ast.Attribute) and target.attr == "data":
                yield Event("gradient", ast.unparse(target.value), self.spans.of(target))
        if isinstance(node, ast.AugAssign) and _reads_gradient([node.value]):  # w -= rate * w.grad
            yield Event("gradient", ast.unparse(node.target), self.spans.of(node))

    def _call(self, node: ast.Call) -> Iterator[Event]:
        known = self.events.get(id(node))
        func = node.func
        if known is None or not isinstance(func, ast.Attribute):
            yield from self.visit(func)
        else:
            yield from self.visit(func.value)
        yield from self._all(node.args)
        yield from self._all(item.value for item in node.keywords)
        if known is not None:
            yield replace(known, passed=bool(node.args or node.keywords))
        else:
            yield from self._unnoted(node)

    def _unnoted(self, node: ast.Call) -> Iterator[Event]:
        """What a call that the follower made nothing of may do to gradients, by the names in it."""
        func = node.func
        name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
        base = func.value if isinstance(func, ast.Attribute) else None
        site = self.spans.of(node)
        if "zero_grad" in name or any(item.arg == "zero_grad" for item in node.keywords):
            yield Event("zero_grad", ast.unparse(base) if base is not None else name, site)
        elif base is not None and (cleared := _gradient_of(base)) is not None:
            yield Event("zero_grad", cleared, site)
            if name in {"add_", "sub_", "copy_"}:  # gradients that are made by hand
                yield Event("gradient", cleared, site)
        elif name in _GRADIENTS or "_foreach_" in name or (name.endswith("_") and _reads_gradient(node.args)):
            yield Event("gradient", name, site)
        elif name.endswith("_step") and base is not None and name not in self.methods:
            yield Event("any_step", ast.unparse(base) if base is not None else name, site)
        elif base is not None and self._is_foreign_method(base, name):
            yield Event("handed", ast.unparse(func), site)
        elif name in {"setattr", "exec"} and name not in self.functions:
            yield Event("handed", name, site)
        if id(node) not in self.forwards and name not in self.functions:  # an object of a class of the file
            yield from self._functions(self.methods.get("__call__", ()))

    def _is_foreign_method(self, base: ast.expr, name: str) -> bool:
        """Whether a method of the object itself (or of its bases) is one that the file does not have."""
        ours = name in self.methods or name in self.stored or name in _OF_MODULES
        own = isinstance(base, ast.Name) and base.id == "self" and not ours
        above = isinstance(base, ast.Call) and isinstance(base.func, ast.Name) and base.func.id == "super"
        return own or above


def _bounded(events: Iterable[Event]) -> Iterator[Event]:
    """Events without those that come a third time: functions that call each other would double them at every level."""
    seen: Counter[tuple[object, ...]] = Counter()
    for event in events:
        site = event.site
        key = (event.kind, event.target, site.line, site.column, event.depth, event.certain, event.passed)
        seen[key] += 1
        if seen[key] <= _MOST_TIMES:
            yield event


def _reads_gradient(nodes: Iterable[ast.expr]) -> bool:
    """Whether expressions read a gradient: ``rate * p.grad``."""
    return any(isinstance(part, ast.Attribute) and part.attr == "grad" for node in nodes for part in ast.walk(node))


def _gradient_of(node: ast.expr) -> str | None:
    """Whose gradient an expression is (``p.grad``, ``p.grad.data``, ``p.grad[:]``); None for anything else."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Attribute) and node.attr == "grad":
            return ast.unparse(node.value)
        node = node.value
    return None

"""What operators, containers and comprehensions evaluate to."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from nnlint.script.evaluate import Evaluator, is_key
from nnlint.script.modes import merged
from nnlint.script.state import Frame
from nnlint.script.values import (
    UNKNOWN,
    Function,
    Known,
    Loaders,
    LossValue,
    Net,
    Output,
    Parameters,
    Sequence,
    Space,
    Tensor,
    Unknown,
    Value,
    batches_of,
    is_none,
    join,
    join_all,
    losses_of,
    sources_of,
)

_OPERATORS: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("add", operator.add),
    ast.Sub: ("sub", operator.sub),
    ast.Mult: ("mul", operator.mul),
    ast.Div: ("truediv", operator.truediv),
    ast.FloorDiv: ("floordiv", operator.floordiv),
    ast.Mod: ("mod", operator.mod),
    ast.Pow: ("pow", operator.pow),
    ast.MatMult: ("matmul", operator.matmul),
}
_LARGEST = 10**12
_LONGEST = 10_000


class Operators(Evaluator):
    """Evaluates what combines values."""

    # -- operators

    def _on_binop(self, node: ast.BinOp) -> Value:
        chain: list[ast.BinOp] = [node]
        while isinstance(chain[-1].left, ast.BinOp):  # long sums are chains to the left: no recursion for them
            chain.append(chain[-1].left)
        value = self.evaluate(chain[-1].left)
        for part in reversed(chain):
            value = self.binary(value, self.evaluate(part.right), part)
        return value

    def binary(self, left: Value, right: Value, node: ast.BinOp | ast.AugAssign) -> Value:
        """The value of a binary operation."""
        name, function = _OPERATORS.get(type(node.op), ("", None))
        if isinstance(left, Known) and isinstance(right, Known):
            return _arithmetic(function, left, right, node)
        if losses := losses_of(left, right):
            self.record.combine(losses)
            return LossValue(losses, sources_of(left, right))
        if isinstance(left, Output) or isinstance(right, Output):
            return self._binary_of_output(left, right, name, node)
        return _combined(left, right, name)

    def _binary_of_output(self, left: Value, right: Value, name: str, node: ast.AST) -> Value:
        one, other = (left, right) if isinstance(left, Output) else (right, left)
        if isinstance(other, Output | Net) or not name or not isinstance(one, Output):
            return Unknown("", sources_of(left, right))
        side = "other" if one is left else "self"
        arguments = ((side, other.value),) if isinstance(other, Known) else ()
        stepped = self.step(one, f"operator.{name}", node, arguments)
        return Output(stepped.network, stepped.path, stepped.steps, sources_of(left, right))

    def _on_unaryop(self, node: ast.UnaryOp) -> Value:
        value = self.evaluate(node.operand)
        if isinstance(node.op, ast.USub):
            if isinstance(value, Known) and isinstance(value.value, int | float):
                return Known(-value.value, node)
            if isinstance(value, Output):
                return self.step(value, "operator.neg", node)
            if isinstance(value, LossValue):
                return value
        if isinstance(node.op, ast.Not) and isinstance(value, Known) and isinstance(value.value, bool):
            return Known(not value.value, node)
        return Unknown("", sources_of(value))

    def _on_compare(self, node: ast.Compare) -> Value:
        return Unknown("", sources_of(*(self.evaluate(part) for part in [node.left, *node.comparators])))

    def _on_boolop(self, node: ast.BoolOp) -> Value:
        values = [self.evaluate(part) for part in node.values]
        if isinstance(node.op, ast.Or) and is_none(values[0]) and len(values) == 2:
            return values[1]
        if isinstance(node.op, ast.Or) and isinstance(values[0], Known) and values[0].value:
            return values[0]
        return join_all(values)

    def _on_ifexp(self, node: ast.IfExp) -> Value:
        self.evaluate(node.test)
        self.branches += 1
        before = dict(self.modes.now)
        one = self.evaluate(node.body)
        after, self.modes.now = self.modes.now, before
        other = self.evaluate(node.orelse)
        self.modes.now = merged([after, self.modes.now])
        self.branches -= 1
        return join(one, other)

    # -- containers

    def _on_tuple(self, node: ast.Tuple) -> Value:
        return self._sequence(node.elts)

    def _on_list(self, node: ast.List) -> Value:
        return self._sequence(node.elts)

    def _on_set(self, node: ast.Set) -> Value:
        return Sequence((join_all([self.evaluate(item) for item in node.elts]),), open=True)

    def _sequence(self, nodes: list[ast.expr]) -> Value:
        items: list[Value] = []
        is_open = False
        for item in nodes[:_LONGEST]:
            if isinstance(item, ast.Starred):
                inner = self.evaluate(item.value)
                is_open = is_open or not isinstance(inner, Sequence) or inner.open
                items += inner.items if isinstance(inner, Sequence) else [self.element(inner)]
            else:
                items.append(self.evaluate(item))
        return Sequence(tuple(items), is_open)

    def _on_starred(self, node: ast.Starred) -> Value:
        return self.evaluate(node.value)

    def _on_await(self, node: ast.Await) -> Value:
        return self.evaluate(node.value)

    def _on_dict(self, node: ast.Dict) -> Value:
        space = Space()
        for key, item in zip(node.keys, node.values, strict=True):
            value = self.evaluate(item)
            if key is None:  # {**other}
                space.entries |= value.entries if isinstance(value, Space) else {}
                continue
            known = self.evaluate(key)
            label: Any = known.value if isinstance(known, Known) and is_key(known.value) else (id(key),)
            space.entries[label] = self.named(value, str(label) if isinstance(label, str) else "")
        return space

    def element(self, value: Value) -> Value:
        """What a loop over a value gives."""
        match value:
            case Sequence():
                return join_all(value.items)
            case Loaders():
                return Unknown("", value.ids, ())
            case Space() if not value.parser:
                return UNKNOWN
            case Parameters():
                return value
            case LossValue():
                return value
        return Unknown("", sources_of(value))

    def note_loop(self, iterated: Value) -> None:
        """Records that loaders are looped over without gradients."""
        if self.without_grad:
            for index in batches_of(iterated):
                self.record.loaders[index].evaluated = True

    # -- scopes of their own

    def _on_lambda(self, node: ast.Lambda) -> Value:
        scope = self.names.scopes[node]
        self.closures[scope] = self.frame
        return Function(scope, self.frame)

    def _on_namedexpr(self, node: ast.NamedExpr) -> Value:
        value = self.evaluate(node.value)
        self.assign(node.target, value, node.value)
        return value

    def _on_listcomp(self, node: ast.ListComp) -> Value:
        return self._comprehension(node.elt, node.generators)

    def _on_setcomp(self, node: ast.SetComp) -> Value:
        return self._comprehension(node.elt, node.generators)

    def _on_generatorexp(self, node: ast.GeneratorExp) -> Value:
        return self._comprehension(node.elt, node.generators)

    def _comprehension(self, body: ast.expr, generators: list[ast.comprehension]) -> Value:
        with_targets = Frame(self.frame.scope, self.frame, loops=self.frame.loops)
        self.frame, saved = with_targets, self.frame
        iterated = [self._generator(generator) for generator in generators]
        value = self.evaluate(body)
        self.frame = saved
        if any(isinstance(value, Parameters) for value in iterated) and not losses_of(value):
            return next(value for value in iterated if isinstance(value, Parameters))
        return Sequence((value,), open=True)

    def _generator(self, generator: ast.comprehension) -> Value:
        iterated = self.evaluate(generator.iter)
        self.note_loop(iterated)
        self.assign(generator.target, self.element(iterated), None)
        for condition in generator.ifs:
            self.evaluate(condition)
        return iterated

    def _on_dictcomp(self, node: ast.DictComp) -> Value:
        with_targets = Frame(self.frame.scope, self.frame, loops=self.frame.loops)
        self.frame, saved = with_targets, self.frame
        for generator in node.generators:
            self._generator(generator)
        self.evaluate(node.key)
        value = self.evaluate(node.value)
        self.frame = saved
        return Space({(id(node),): value})

    def _on_yield(self, node: ast.Yield) -> Value:
        if node.value is not None:
            self.frame.yielded.append(self.evaluate(node.value))
        return UNKNOWN

    def _on_yieldfrom(self, node: ast.YieldFrom) -> Value:
        self.frame.yielded.append(self.element(self.evaluate(node.value)))
        return UNKNOWN


def _arithmetic(function: Callable[[Any, Any], Any] | None, left: Known, right: Known, node: ast.AST) -> Value:
    a, b = left.value, right.value
    numbers = isinstance(a, int | float) and isinstance(b, int | float)
    texts = isinstance(a, str) and isinstance(b, str) and function is operator.add
    if function is None or not (numbers or texts) or (function is operator.pow and (abs(a) > 1e4 or abs(b) > 64)):
        return UNKNOWN
    try:
        value = function(a, b)
    except (ArithmeticError, ValueError, TypeError):
        return UNKNOWN
    too_large = (isinstance(value, int) and abs(value) > _LARGEST) or (isinstance(value, str) and len(value) > _LONGEST)
    return UNKNOWN if too_large or isinstance(value, complex) else Known(value, node)


def _combined(left: Value, right: Value, name: str) -> Value:
    """The value of an operation between other things than constants, losses and outputs."""
    match left, right:
        case Sequence(), Sequence() if name == "add":
            value: Value = Sequence(left.items + right.items, left.open or right.open)
        case Sequence(), _ if name == "mul":
            value = Sequence(left.items, open=True)
        case Parameters(), Parameters():
            value = Parameters(left.networks + right.networks)
        case (Tensor(), Known()):
            value = left
        case (Known(), Tensor()):
            value = right
        case (Tensor(), _) | (_, Tensor()):
            value = Tensor(None)
        case _:
            value = Unknown("", sources_of(left, right))
    return value

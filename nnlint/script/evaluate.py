"""What an expression evaluates to, as far as it can be told without running it."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from nnlint.names import name_of_dotted
from nnlint.script.scopes import Scope
from nnlint.script.state import Frame, State
from nnlint.script.values import (
    UNKNOWN,
    ClassObject,
    Dotted,
    Function,
    Instance,
    Known,
    Loaders,
    LossValue,
    Net,
    Output,
    Parameters,
    Sequence,
    Space,
    StepTaken,
    Tensor,
    Unknown,
    Value,
    is_none,
    join,
    join_all,
    losses_of,
    plain_value,
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
#: attributes of a tensor that are no data
_FACTS_OF_TENSORS = frozenset(
    {"shape", "device", "dtype", "ndim", "requires_grad", "grad", "size", "is_cuda", "layout"}
)
_TENSOR_VIEWS = frozenset({"T", "mT", "H", "mH", "data", "real", "imag"})
_WRAPPED = frozenset({"module", "_orig_mod", "_fsdp_wrapped_module"})
_LARGEST = 10**12
_LONGEST = 10_000


class Evaluator(State):
    """Evaluates expressions in the current frame."""

    def evaluate(self, node: ast.expr) -> Value:
        """The value of an expression; calls in it are followed."""
        method = getattr(self, f"_on_{type(node).__name__.lower()}", None)
        if method is None:
            return self._children(node)
        value: Value = method(node)
        return value

    def call(self, node: ast.Call) -> Value:
        """The value of a call."""
        raise NotImplementedError

    def run(self, function: Function, args: list[Value], kwargs: dict[str, Value], *, spread: bool = False) -> Value:
        """The value a function of the file returns."""
        raise NotImplementedError

    def assign(self, target: ast.expr, value: Value, origin: ast.expr | None) -> Value:
        """Binds a target to a value; the value as it is called from then on."""
        raise NotImplementedError

    def _children(self, node: ast.AST) -> Value:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.evaluate(child)
            elif isinstance(child, ast.FormattedValue | ast.keyword | ast.comprehension):
                self._children(child)
        return UNKNOWN

    def _on_call(self, node: ast.Call) -> Value:
        return self.call(node)

    def _on_constant(self, node: ast.Constant) -> Value:
        return Known(node.value, node)

    def _on_name(self, node: ast.Name) -> Value:
        found = self.frame.lookup(node.id)
        if found is not None and not is_none(found):
            return found
        reference = self.names.resolve_name(node.id, self.frame.scope)
        if reference is None:
            return found if found is not None else Unknown(node.id)
        if reference.scope is None:
            return Dotted(reference.dotted)
        return self.definition(reference.scope)

    def definition(self, scope: Scope) -> Value:
        """A class or function of the file as a value."""
        return ClassObject(scope) if scope.is_class else Function(scope, self.closures.get(scope))

    # -- attributes

    def _on_attribute(self, node: ast.Attribute) -> Value:
        return self.attribute(self.evaluate(node.value), node.attr, node)

    def attribute(self, base: Value, name: str, node: ast.AST) -> Value:
        """The attribute of a value."""
        match base:
            case Dotted():
                return Dotted(f"{base.path}.{name}")
            case Space():
                return base.entries.get(name, UNKNOWN)
            case Instance() | Net():
                return self._attribute_of_object(base, name)
            case ClassObject():
                return self.class_attribute(base.scope, name) or UNKNOWN
            case Output():
                return self._attribute_of_output(base, name, node)
            case LossValue():
                return LossValue(base.losses, base.sources) if name == "loss" else Unknown("", base.sources)
            case Unknown():
                return Unknown(f"{base.name}.{name}" if base.name else "", base.sources)
        return Unknown("", sources_of(base))

    def _attribute_of_object(self, base: Instance | Net, name: str) -> Value:
        label = base.name if isinstance(base, Net) else "self"
        if isinstance(base, Net) and name in _WRAPPED:
            return base
        if base.scope is not None:
            attributes = base.attributes if isinstance(base, Instance) else self.network_attributes.get(base.scope, {})
            if name in attributes:
                return renamed(attributes[name], label)
            found = self.class_attribute(base.scope, name)
            if isinstance(found, Function):
                bound = Function(found.scope, found.frame, base)
                return self.run(bound, [], {}) if _is_property(found.scope) else bound
            if found is not None:
                return found
        return Unknown(f"{label}.{name}")

    def class_attribute(self, scope: Scope, name: str) -> Value | None:
        """An attribute of a class of the file, its own or inherited from another class of the file."""
        for current in self.lineage(scope):
            frame = self.class_frames.get(current)
            if frame is not None and name in frame.variables:
                return frame.variables[name]
            for binding in current.bindings.get(name, ()):
                if isinstance(binding.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    return self.definition(self.names.scopes[binding.node])
        return None

    def lineage(self, scope: Scope) -> list[Scope]:
        """A class and those of its bases that the file defines."""
        bases = [found for file, found in self.networks.base_scopes(scope) if file is self.networks]
        return [scope, *bases]

    def _attribute_of_output(self, base: Output, name: str, node: ast.AST) -> Value:
        if name in _FACTS_OF_TENSORS:
            return Unknown("", base.sources)
        if name in _TENSOR_VIEWS:
            return self.step(base, f"torch.Tensor.{name}", node)
        if base.steps:
            return Unknown("", base.sources)
        return Output(base.network, (*base.path, name), (), base.sources)

    def step(self, base: Output, dotted: str, node: ast.AST, arguments: tuple[tuple[str, Any], ...] = ()) -> Output:
        """A network's output after one more call."""
        name = name_of_dotted(dotted) or dotted
        return Output(base.network, base.path, (*base.steps, StepTaken(name, node, arguments)), base.sources)

    # -- items

    def _on_subscript(self, node: ast.Subscript) -> Value:
        return self.item(self.evaluate(node.value), node.slice, node)

    def item(self, base: Value, index: ast.expr, node: ast.AST) -> Value:
        """The value of a subscript."""
        key = self.evaluate(index)
        match base:
            case Sequence():
                return _item_of_sequence(base, key, index)
            case Space():
                return _item_of_space(base, key)
            case Output():
                return self._item_of_output(base, key, node)
            case LossValue() | ClassObject() | Dotted():
                return base
            case Loaders():
                return Unknown("", base.ids)
            case Tensor():
                return Tensor(None, base.dtype, base.high)
        return Unknown("", sources_of(base))

    def _item_of_output(self, base: Output, key: Value, node: ast.AST) -> Value:
        if isinstance(key, Known) and isinstance(key.value, int | str) and not isinstance(key.value, bool):
            if not base.steps:
                return Output(base.network, (*base.path, key.value), (), base.sources)
            return self.step(base, "operator.getitem", node, (("0", key.value),))
        return self.step(base, "operator.getitem", node)

    def _on_slice(self, node: ast.Slice) -> Value:
        self._children(node)
        return UNKNOWN

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
        if losses_of(left, right):
            return LossValue(losses_of(left, right), sources_of(left, right))
        if isinstance(left, Output) or isinstance(right, Output):
            return self._binary_of_output(left, right, name, node)
        match left, right:
            case Sequence(), Sequence() if name == "add":
                return Sequence(left.items + right.items, left.open or right.open)
            case Sequence(), _ if name == "mul":
                return Sequence(left.items, open=True)
            case Parameters(), Parameters():
                return Parameters(left.networks + right.networks)
            case (Tensor(), Known()):
                return left
            case (Known(), Tensor()):
                return right
            case (Tensor(), _) | (_, Tensor()):
                return Tensor(None)
        return Unknown("", sources_of(left, right))

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
        value = join(self.evaluate(node.body), self.evaluate(node.orelse))
        self.branches -= 1
        return value

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
            label: Any = known.value if isinstance(known, Known) and _is_key(known.value) else (id(key),)
            space.entries[label] = self.named(value, str(label) if isinstance(label, str) else "")
        return space

    def named(self, value: Value, label: str) -> Value:
        """The value, after what it is bound to has been noted in the record."""
        if isinstance(value, Loaders):
            for index in value.ids:
                loader = self.record.loaders[index]
                loader.variable = loader.variable or label
        return value

    def element(self, value: Value) -> Value:
        """What a loop over a value gives."""
        match value:
            case Sequence():
                return join_all(value.items)
            case Loaders():
                return Unknown("", value.ids)
            case Space() if not value.parser:
                return UNKNOWN
            case Parameters():
                return value
            case LossValue():
                return value
        return Unknown("", sources_of(value))

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

    def plain(self, values: dict[str, Value]) -> tuple[tuple[str, Any], ...]:
        """The arguments among these that are plain values."""
        found = ((name, plain_value(value)) for name, value in values.items())
        return tuple((name, value[0]) for name, value in found if value is not None)


def renamed(value: Value, owner: str) -> Value:
    """A submodule (or unknown attribute) of an object, by the name of the object it is reached through."""
    if isinstance(value, Net) and value.name.startswith("self."):
        return Net(owner + value.name.removeprefix("self"), value.scope)
    return value


def _is_property(scope: Scope) -> bool:
    decorators = getattr(scope.node, "decorator_list", [])
    names = {ast.unparse(item).rpartition(".")[2] for item in decorators}
    return bool(names & {"property", "cached_property"})


def _is_key(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def _item_of_sequence(base: Sequence, key: Value, index: ast.expr) -> Value:
    if isinstance(index, ast.Slice):
        return Sequence(base.items, open=True)
    if isinstance(key, Known) and isinstance(key.value, int) and not base.open:
        return base.items[key.value] if -len(base.items) <= key.value < len(base.items) else UNKNOWN
    return join_all(base.items)


def _item_of_space(base: Space, key: Value) -> Value:
    if base.parser:
        return UNKNOWN
    if isinstance(key, Known) and _is_key(key.value) and key.value in base.entries:
        return base.entries[key.value]
    others = [entry for label, entry in base.entries.items() if isinstance(label, tuple)]
    if isinstance(key, Known):
        return join_all(others)
    return join_all(base.entries.values())


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

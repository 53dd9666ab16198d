"""What an expression evaluates to, as far as it can be told without running it: names, attributes, items."""

from __future__ import annotations

import ast
from typing import Any

from nnlint.names import name_of_dotted
from nnlint.script.record import role_named
from nnlint.script.scopes import Scope
from nnlint.script.state import State
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
    Sequence,
    Space,
    StepTaken,
    Tensor,
    Unknown,
    Value,
    is_none,
    join_all,
    plain_value,
    sources_of,
)

#: attributes of a tensor that are no data
_FACTS_OF_TENSORS = frozenset(
    {"shape", "device", "dtype", "ndim", "requires_grad", "grad", "size", "is_cuda", "layout"}
)
_TENSOR_VIEWS = frozenset({"T", "mT", "H", "mH", "data", "real", "imag"})
_WRAPPED = frozenset({"module", "_orig_mod", "_fsdp_wrapped_module"})


class Evaluator(State):
    """Evaluates expressions in the current frame; each kind of node has a method, here or in a subclass."""

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

    def element(self, value: Value) -> Value:
        """What a loop over a value gives."""
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
                value: Value = Dotted(f"{base.path}.{name}")
            case Space():
                value = base.entries.get(name, UNKNOWN)
            case Instance() | Net():
                value = self._attribute_of_object(base, name)
            case ClassObject():
                value = self.class_attribute(base.scope, name) or UNKNOWN
            case Output():
                value = self._attribute_of_output(base, name, node)
            case LossValue() if name == "loss":
                value = base
            case Unknown():
                value = Unknown(f"{base.name}.{name}" if base.name else "", base.sources)
            case _:
                value = Unknown("", sources_of(base))
        return value

    def _attribute_of_object(self, base: Instance | Net, name: str) -> Value:
        label = base.name if isinstance(base, Net) else "self"
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
        if isinstance(base, Net) and name in _WRAPPED:  # `model.module`: what DataParallel wraps
            return base
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
                value = _item_of_sequence(base, key, index)
            case Space():
                value = _item_of_space(base, key)
            case Output():
                value = self._item_of_output(base, key, node)
            case LossValue() | ClassObject() | Dotted():
                value = base
            case Loaders():
                value = Unknown("", base.ids)
            case Net() if base.name:  # a layer of an `nn.Sequential`
                value = Unknown(f"{base.name}[{ast.unparse(index)}]")
            case Tensor():
                value = Tensor(None, base.dtype, base.high)
            case Unknown() if isinstance(key, Known) and type(key.value) in {int, str}:
                value = base.at(key.value)
            case _:
                value = Unknown("", sources_of(base))
        return value

    def _item_of_output(self, base: Output, key: Value, node: ast.AST) -> Value:
        if isinstance(key, Known) and isinstance(key.value, int | str) and not isinstance(key.value, bool):
            if not base.steps:
                return Output(base.network, (*base.path, key.value), (), base.sources)
            return self.step(base, "operator.getitem", node, (("0", key.value),))
        return self.step(base, "operator.getitem", node)

    def _on_slice(self, node: ast.Slice) -> Value:
        self._children(node)
        return UNKNOWN

    # -- values in general

    def named(self, value: Value, label: str) -> Value:
        """The value, after what it is bound to has been noted in the record."""
        if isinstance(value, Loaders):
            for index in value.ids:
                loader = self.record.loaders[index]
                if not loader.variable or (role_named(label) and not role_named(loader.variable)):
                    loader.variable = label  # of several names, one that tells its role
        return value

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


def is_key(value: Any) -> bool:
    """Whether a constant can be the key of a dict that is followed."""
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
    if isinstance(key, Known) and is_key(key.value) and key.value in base.entries:
        return base.entries[key.value]
    others = [entry for label, entry in base.entries.items() if isinstance(label, tuple)]
    if isinstance(key, Known):
        return join_all(others)
    return join_all(base.entries.values())

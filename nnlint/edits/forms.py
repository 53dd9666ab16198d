"""How an operation is written: an element of a sequence of modules, or a call around the data it reads."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from nnlint.edits import lists
from nnlint.edits.source import Source, call_at, located
from nnlint.graph import Op

#: functions that return the module they are given
_WRAPPERS = frozenset({"spectral_norm", "weight_norm", "parametrize", "cuda", "to", "cpu"})


@dataclass(frozen=True, slots=True)
class Element:
    """A module that is constructed where it stands in a sequence: `nn.Sequential(…)`, a list or dict of modules."""

    source: Source
    call: ast.Call  # the constructor
    holder: ast.AST  # what holds the items
    items: lists.Items
    index: int
    #: its name in the sequence, as an expression, where it has one: in `OrderedDict([("conv", …)])`, in a dict
    key: ast.expr | None
    keys: tuple[ast.expr | None, ...]

    @property
    def node(self) -> ast.Call:
        """The constructor."""
        return self.call


@dataclass(frozen=True, slots=True)
class Statement:
    """A module that a statement of its own adds to a sequence: ``layers.append(…)``, ``net.add_module("relu", …)``."""

    source: Source
    call: ast.Call  # the constructor
    outer: ast.Call  # the call of `append` or `add_module`
    statement: ast.Expr
    key: ast.expr | None

    @property
    def node(self) -> ast.Call:
        """The constructor."""
        return self.call


@dataclass(frozen=True, slots=True)
class Applied:
    """A call around the data: ``self.drop(x)``, ``F.relu(x)``, ``x.relu()``.

    Attributes:
        call: the whole of it.
        data: what it reads.
        attribute: the attribute of ``self`` that is called, "" for a function.
    """

    source: Source
    call: ast.expr
    data: ast.expr | None
    attribute: str = ""

    @property
    def node(self) -> ast.expr:
        """The call."""
        return self.call

    @property
    def before(self) -> tuple[int, int]:
        """Where the text before the data stands."""
        assert self.data is not None
        return self.source.start(self.call), self.source.start(self.data)

    @property
    def behind(self) -> tuple[int, int]:
        """Where the text after the data stands."""
        assert self.data is not None
        return self.source.end(self.data), self.source.end(self.call)

    @property
    def statement(self) -> ast.stmt | None:
        """The statement that consists of it, ``x = self.drop(x)`` or ``self.drop(x)``; else None."""
        parent = self.source.parent(self.call)
        if isinstance(parent, ast.Expr):
            return parent
        is_whole = isinstance(parent, ast.Assign | ast.AnnAssign) and parent.value is self.call
        return parent if is_whole and isinstance(parent, ast.stmt) else None

    @property
    def target(self) -> str | None:
        """The variable the statement binds."""
        statement = self.statement
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target: ast.expr = statement.targets[0]
        elif isinstance(statement, ast.AnnAssign):
            target = statement.target
        else:
            return None
        return target.id if isinstance(target, ast.Name) else None

    @property
    def in_place(self) -> bool:
        """Whether the statement binds its result to the very variable it reads, or drops it."""
        if isinstance(self.statement, ast.Expr):
            return True
        return isinstance(self.data, ast.Name) and self.target == self.data.id


Form = Element | Statement | Applied


def readers(op: Op) -> list[Op]:
    """The ops of the network that read an op's result, each once; what judges the network's output is none of them."""
    last = next((user.index for user in op.users if user.name == "output"), None)
    return list(dict.fromkeys(user for user in op.users if last is None or user.index <= last))


def form_of(op: Op) -> Form | None:
    """How an op is written, None if that is not understood."""
    if op.module is None:
        return _function(op)
    return _attribute(op) or _in_sequence(op)


def _function(op: Op) -> Applied | None:
    found = located(op)
    if found is None:
        return None
    source, node = found
    if not isinstance(node, ast.Call):
        return Applied(source, node, None)
    if op.spelling.startswith("Tensor.") and isinstance(node.func, ast.Attribute):
        return Applied(source, node, node.func.value)
    if node.args and not isinstance(node.args[0], ast.Starred | ast.GeneratorExp):
        return Applied(source, node, node.args[0])
    return Applied(source, node, next((word.value for word in node.keywords if word.arg == "input"), None))


def _attribute(op: Op) -> Applied | None:
    """A module called by the attribute of ``self`` that its path ends with."""
    found = call_at(op.call_site)
    if found is None:
        return None
    source, call = found
    func, name = call.func, op.path.rpartition(".")[2]
    if not isinstance(func, ast.Attribute) or not isinstance(func.value, ast.Name) or func.attr != name:
        return None
    single = len(call.args) == 1 and not call.keywords and not isinstance(call.args[0], ast.Starred | ast.GeneratorExp)
    return Applied(source, call, call.args[0] if single else None, name)


def _in_sequence(op: Op) -> Element | Statement | None:
    found = call_at(op)
    if found is None or _called_by_index(op):
        return None
    source, call = found
    item = _unwrapped(source, call)
    holder = source.parent(item)
    if isinstance(holder, ast.Tuple) and len(holder.elts) == 2 and holder.elts[1] is item:
        return _pair(source, call, holder)
    if isinstance(holder, ast.Dict):
        index = holder.values.index(item)
        return _element(source, call, holder, lists.elements(source, holder), index, tuple(holder.keys))
    if isinstance(holder, ast.List | ast.Tuple):
        return _element(source, call, holder, lists.elements(source, holder), holder.elts.index(item))
    if isinstance(holder, ast.Call) and item in holder.args:
        return _argument(source, call, item, holder)
    return None


def _unwrapped(source: Source, call: ast.Call) -> ast.expr:
    """The whole expression that gives the module: ``spectral_norm(nn.Conv2d(…))``."""
    item: ast.expr = call
    while True:
        parent = source.parent(item)
        if not (isinstance(parent, ast.Call) and parent.args and parent.args[0] is item):
            return item
        func = parent.func
        name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
        if name not in _WRAPPERS:
            return item
        item = parent


def _pair(source: Source, call: ast.Call, pair: ast.Tuple) -> Element | None:
    """``("drop", nn.Dropout())`` in a list of pairs."""
    holder = source.parent(pair)
    if not isinstance(holder, ast.List | ast.Tuple):
        return None
    pairs = [e for e in holder.elts if isinstance(e, ast.Tuple) and len(e.elts) == 2]
    if len(pairs) != len(holder.elts) or source.text[source.end(pair) - 1] != ")":
        return None
    keys = tuple(each.elts[0] for each in pairs)
    return _element(source, call, holder, lists.elements(source, holder), holder.elts.index(pair), keys)


def _element(
    source: Source,
    call: ast.Call,
    holder: ast.AST,
    items: lists.Items | None,
    index: int,
    keys: tuple[ast.expr | None, ...] = (),
) -> Element | None:
    if items is None:
        return None
    return Element(source, call, holder, items, index, keys[index] if keys else None, keys)


def _argument(source: Source, call: ast.Call, item: ast.expr, holder: ast.Call) -> Element | Statement | None:
    func = holder.func
    name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
    statement = source.parent(holder)
    if name in ("append", "add_module") and isinstance(statement, ast.Expr):
        wanted = 1 if name == "append" else 2
        if len(holder.args) != wanted or holder.keywords:
            return None
        return Statement(source, call, holder, statement, holder.args[0] if wanted == 2 else None)
    if "Sequential" in name or _is_super_init(func):
        items = lists.arguments(source, holder)
        start = source.start(item)
        index = next((i for i, span in enumerate(items.spans) if span[0] == start), None) if items else None
        return None if index is None else _element(source, call, holder, items, index)
    return None


def _is_super_init(func: ast.expr) -> bool:
    """``super().__init__(conv, norm)`` of a class that is an `nn.Sequential`."""
    return (
        isinstance(func, ast.Attribute)
        and func.attr == "__init__"
        and isinstance(func.value, ast.Call)
        and isinstance(func.value.func, ast.Name)
        and func.value.func.id == "super"
    )


def _called_by_index(op: Op) -> bool:
    """Whether the module is taken out of a list by its number: ``self.layers[3](x)``. Then nothing may move."""
    found = call_at(op.call_site)
    return found is not None and isinstance(found[1].func, ast.Subscript)

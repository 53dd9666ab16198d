"""What a ``forward`` does first with each of its arguments, read from its source.

``self.conv1(x)``, ``self.embed(ids)``, ``self.fc(torch.cat([x, t], 1))``, ``b, c, h, w = x.shape``, ``batch["ids"]``:
this tells which layer an argument is meant for, and its form. Nothing here is certain; a try decides.
"""

from __future__ import annotations

import ast
import inspect
import operator
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from nnlint.inputs.use import LayoutStep, Use, axes_of_pattern, passes

#: methods and functions that change the layout or the values of a tensor, but still are the same data
_SAME = {
    "float", "to", "contiguous", "clone", "detach", "type", "type_as", "double", "half", "cuda", "cpu", "relu",
    "dropout", "abs", "log", "exp", "sigmoid", "tanh", "pad", "normalize", "requires_grad_", "bfloat16", "gelu",
}  # fmt: skip
_LAYOUT = {
    "permute", "transpose", "unsqueeze", "squeeze", "view", "reshape", "flatten", "swapaxes", "t", "movedim",
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Add: operator.add,
    ast.Sub: operator.sub,
}
_MAX_DEPTH = 4


def uses(module: nn.Module, function: Callable[..., Any] | None = None, depth: int = 0) -> dict[str, Use]:
    """How ``module.forward`` (or ``function``, one of its methods) uses its parameters, by name.

    Empty where the source cannot be had.
    """
    function = function or type(module).forward
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return {}
    definition = next((node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)), None)
    if definition is None:
        return {}
    names = [arg.arg for arg in (*definition.args.posonlyargs, *definition.args.args, *definition.args.kwonlyargs)]
    reader = _Reader(module, names[1:] if names[:1] == ["self"] else names, depth)
    for statement in definition.body:
        reader.visit(statement)
    return reader.uses


@dataclass(frozen=True, slots=True)
class _Data:
    """An expression that still is an argument (or several, concatenated), perhaps laid out differently."""

    names: tuple[str, ...]
    steps: tuple[LayoutStep, ...] = ()


class _Reader(ast.NodeVisitor):
    def __init__(self, module: nn.Module, names: list[str], depth: int) -> None:
        self.module = module
        self.depth = depth
        self.uses = {name: Use() for name in names}
        self.data: dict[str, _Data] = {name: _Data((name,)) for name in names}
        self.modules: dict[str, nn.Module] = {}
        self.shapes: dict[str, _Data] = {}

    # expressions that still are an argument

    def resolve(self, node: ast.expr) -> _Data | None:
        if isinstance(node, ast.Name):
            return self.data.get(node.id)
        if isinstance(node, ast.Subscript):
            return self._part(node)
        if isinstance(node, ast.Attribute):
            return self._attribute(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            return self._returned(node, node.func)
        return None

    def _returned(self, node: ast.Call, func: ast.Attribute) -> _Data | None:
        """What a call hands on of an argument, if it hands it on."""
        live = self._callee(func)
        if isinstance(live, nn.Module):
            through = self.resolve(node.args[0]) if node.args and passes(live) else None
            flat = (LayoutStep("flatten", ()),) if isinstance(live, nn.Flatten) else ()
            return _Data(through.names, through.steps + flat) if through else None
        if func.attr in ("cat", "concat", "concatenate", "hstack") and node.args:
            return self._concatenated(node.args[0])
        data, args = self.resolve(func.value), node.args
        if data is None and node.args:  # torch.flatten(x, 1)
            data, args = self.resolve(node.args[0]), node.args[1:]
        if data is not None and func.attr in _LAYOUT:
            return _Data(data.names, (*data.steps, LayoutStep(func.attr, tuple(self._number(arg) for arg in args))))
        return data if func.attr in _SAME else None

    def _part(self, node: ast.Subscript) -> _Data | None:
        whole = self.resolve(node.value)
        if whole is None or len(whole.names) != 1 or not isinstance(node.slice, ast.Constant):
            return None
        use, key = self.uses[whole.names[0]], node.slice.value
        if isinstance(key, str):
            use.keys += () if key in use.keys else (key,)
        return self._tracked_part(use, whole.names[0], key) if isinstance(key, str | int) else None

    def _attribute(self, node: ast.Attribute) -> _Data | None:
        whole = self.resolve(node.value)
        if whole is None or len(whole.names) != 1 or whole.steps or hasattr(torch.Tensor, node.attr):
            return None
        use = self.uses[whole.names[0]]
        use.attributes += () if node.attr in use.attributes else (node.attr,)
        return self._tracked_part(use, whole.names[0], node.attr)

    def _tracked_part(self, use: Use, name: str, key: str | int) -> _Data:
        full = f"{name}[{key!r}]"
        self.uses[full] = use.parts.setdefault(key, Use())
        return _Data((full,))

    def _concatenated(self, node: ast.expr) -> _Data | None:
        if not isinstance(node, ast.List | ast.Tuple):
            return None
        parts = [self.resolve(item) for item in node.elts]
        names = tuple(name for part in parts if part for name in part.names)
        for name in names:
            self.uses[name].group = self.uses[name].group or names
        return _Data(names) if names else None

    def _number(self, node: ast.expr) -> int | None:
        """The value of literal arithmetic over numbers and the module's own attributes."""
        value: Any = None
        if isinstance(node, ast.Constant):
            value = node.value
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            value = getattr(self.module, node.attr, None)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self._number(node.operand)
            value = None if inner is None else -inner
        elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            left, right = self._number(node.left), self._number(node.right)
            if left is not None and right:
                value = _ARITHMETIC[type(node.op)](left, right)
        return value if isinstance(value, int) else None

    # what is called

    def _callee(self, node: ast.expr) -> Any:
        """The live object an expression over ``self`` means, None if it means none."""
        if isinstance(node, ast.Name):
            return self.module if node.id == "self" else self.modules.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self._callee(node.value)
            return getattr(owner, node.attr, None) if owner is not None else None
        if isinstance(node, ast.Subscript):
            owner = self._callee(node.value)
            key = node.slice.value if isinstance(node.slice, ast.Constant) else 0
            try:
                return owner[key] if owner is not None else None
            except (KeyError, IndexError, TypeError):
                return None
        return None

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        callee = self._callee(node.func)
        given: list[tuple[int | str, ast.expr]] = list(enumerate(node.args))
        given += [(keyword.arg, keyword.value) for keyword in node.keywords if keyword.arg]
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        method = self._method(callee)
        inner = uses(self.module, method, self.depth + 1) if method and self.depth < _MAX_DEPTH else {}
        for position, arg in given:
            data = self.resolve(arg)
            if data is None:
                continue
            if isinstance(callee, nn.Module):
                self._consumed(data, callee, position)
            elif inner:
                self._passed_on(data, inner, position)
            elif name in ("rearrange", "repeat", "reduce") and len(node.args) > 1:
                self._pattern(data, node.args[1])
            elif name in ("one_hot", "embedding", "range", "index_select", "gather") and position == 0:
                self._each(data, integer=True)

    def _method(self, callee: Any) -> Callable[..., Any] | None:
        if inspect.ismethod(callee) and callee.__self__ is self.module and not isinstance(callee, nn.Module):
            function = callee.__func__
            return None if (getattr(function, "__module__", None) or "torch").startswith("torch.") else function
        return None

    def _consumed(self, data: _Data, callee: nn.Module, position: int | str) -> None:
        for name in data.names if not passes(callee) else ():
            use = self.uses[name]
            if use.consumer is None:
                use.consumer, use.position, use.steps = callee, position, data.steps

    def _passed_on(self, data: _Data, inner: dict[str, Use], position: int | str) -> None:
        names = list(inner)
        key = position if isinstance(position, str) else names[position] if position < len(names) else None
        seen = inner.get(key) if key is not None else None
        if seen is None:
            return
        for name in data.names:
            use = self.uses[name]
            if seen.consumer is not None and use.consumer is None:
                use.consumer, use.position, use.steps = seen.consumer, seen.position, data.steps + seen.steps
            if not data.steps:
                use.ndim = use.ndim or seen.ndim
                use.ndim_min = max(use.ndim_min, seen.ndim_min)
                use.integer = use.integer or seen.integer
                use.keys, use.attributes = use.keys or seen.keys, use.attributes or seen.attributes
                use.parts = use.parts or seen.parts
                use.elements = use.elements or seen.elements

    def _pattern(self, data: _Data, node: ast.expr) -> None:
        pattern = node.value if isinstance(node, ast.Constant) else None
        if isinstance(pattern, str) and "..." not in pattern and not data.steps:
            for name in data.names:
                self.uses[name].ndim = self.uses[name].ndim or axes_of_pattern(pattern)

    def _each(self, data: _Data, *, integer: bool) -> None:
        for name in data.names:
            self.uses[name].integer = self.uses[name].integer or integer

    # statements

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.generic_visit(node)
        self._attribute(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.generic_visit(node)
        shape_of = self._shape_of(node.value)
        if shape_of and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
            self._at_least(shape_of, node.slice.value + 1)
        elif isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            self._part(node)
        elif isinstance(node.slice, ast.Tuple) and (data := self.resolve(node.value)) is not None:
            axes = [item for item in node.slice.elts if not (isinstance(item, ast.Constant) and item.value is None)]
            if not any(isinstance(item, ast.Constant) and item.value is Ellipsis for item in axes):
                self._at_least(data, len(axes))

    def _shape_of(self, node: ast.expr) -> _Data | None:
        """The argument whose whole shape the expression is: ``x.shape``, ``x.size()``."""
        if isinstance(node, ast.Name):
            return self.shapes.get(node.id)
        if isinstance(node, ast.Attribute) and node.attr == "shape":
            return self.resolve(node.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "size":
            return self.resolve(node.func.value) if not node.args else None
        return None

    def _at_least(self, data: _Data, ndim: int) -> None:
        if not data.steps:
            for name in data.names:
                self.uses[name].ndim_min = max(self.uses[name].ndim_min, ndim)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._bind(target, node.value)

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            data, live, shape = self.resolve(value), self._callee(value), self._shape_of(value)
            for known in (self.data, self.modules, self.shapes):
                known.pop(target.id, None)
            if shape is not None:
                self.shapes[target.id] = shape
            if data is not None:
                self.data[target.id] = data
            elif isinstance(live, nn.Module):
                self.modules[target.id] = live
        elif isinstance(target, ast.Tuple | ast.List) and not any(isinstance(t, ast.Starred) for t in target.elts):
            self._unpack(target.elts, value)

    def _unpack(self, targets: list[ast.expr], value: ast.expr) -> None:
        if isinstance(value, ast.Tuple) and len(value.elts) == len(targets):
            for target, part in zip(targets, value.elts, strict=True):
                self._bind(target, part)
        elif (shape_of := self._shape_of(value)) is not None and not shape_of.steps:
            for name in shape_of.names:
                self.uses[name].ndim = self.uses[name].ndim or len(targets)
        elif isinstance(value, ast.Name) and (data := self.resolve(value)) and len(data.names) == 1 and not data.steps:
            use = self.uses[data.names[0]]
            use.elements = len(targets)
            for index, target in enumerate(targets):
                if isinstance(target, ast.Name):
                    self.data[target.id] = self._tracked_part(use, data.names[0], index)
        else:
            for target in targets:
                if isinstance(target, ast.Name):
                    self.data.pop(target.id, None)

    def visit_For(self, node: ast.For) -> None:
        self.visit(node.iter)
        iterable, target = node.iter, node.target
        if isinstance(iterable, ast.Call) and getattr(iterable.func, "id", "") == "enumerate" and iterable.args:
            iterable = iterable.args[0]
            target = target.elts[1] if isinstance(target, ast.Tuple) and len(target.elts) == 2 else target
        data, live = self.resolve(iterable), self._callee(iterable)
        if data is not None and not data.steps:
            for name in data.names:
                self.uses[name].iterated = True
        if isinstance(target, ast.Name) and isinstance(live, nn.ModuleList | nn.Sequential) and len(live):
            self.modules[target.id] = live[0]
        self._all(node.body)
        self._all(node.orelse)

    def _all(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self.visit(statement)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """An inner function has names of its own: not followed."""

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """As an inner function."""

"""Where the modules of a live model were constructed, read from the source of the classes that hold them.

A model handed in live has no record of its constructor calls. Of ``self.conv = nn.Conv2d(3, 8, 3)``, of the arguments
of a container and of what is appended to one, the expression is found; what could be several is not guessed.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from types import FunctionType
from typing import Any

from torch import nn

from nnlint.frames import is_foreign
from nnlint.site import Site, of_node

_Comprehension = ast.ListComp | ast.GeneratorExp
_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
#: methods that return the module they are called on
_FLUENT = frozenset({"to", "cuda", "cpu", "eval", "train", "float", "half", "double", "requires_grad_", "apply"})


@dataclass(frozen=True, slots=True)
class _Bindings:
    """What a method does with the attributes of its object, by their names."""

    #: the expressions bound to ``self.name``
    bound: dict[str, list[ast.expr]] = field(default_factory=dict)
    #: the expressions appended to ``self.name``
    appended: dict[str, list[ast.expr]] = field(default_factory=dict)
    #: the calls of ``super().__init__``
    above: list[ast.Call] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Method:
    """A method of a class, as source and as object."""

    file: str
    bindings: _Bindings
    names: dict[str, Any]  # the globals its names are looked up in


@dataclass(frozen=True, slots=True)
class _Expression:
    """An expression that may have built a module; ``added`` are expressions appended to the container it built."""

    method: _Method
    node: ast.expr
    added: tuple[ast.expr, ...] = ()


class Definitions:
    """Finds constructor calls below one root."""

    def __init__(self, root: nn.Module) -> None:
        self._root = root
        self._files: dict[str, dict[int, ast.FunctionDef]] = {}
        self._methods: dict[type, list[_Method]] = {}
        self._found: dict[str, list[_Expression]] = {}

    def site(self, module: nn.Module, path: str) -> Site | None:
        """The expression that constructed the module at a path; None if it is not certain."""
        try:
            if not path or self._root.get_submodule(path) is not module:
                return None
        except AttributeError:  # not a registered one
            return None
        found = self._expressions(path)
        if len(found) != 1:
            return None
        file = found[0].method.file
        return of_node(file, linecache.getlines(file), found[0].node)

    def _expressions(self, path: str) -> list[_Expression]:
        if path not in self._found:
            above, _, name = path.rpartition(".")
            self._found[path] = list(self._search(self._root.get_submodule(above), above, name))
        return self._found[path]

    def _search(self, parent: nn.Module, above: str, name: str) -> Iterator[_Expression]:
        module = parent.get_submodule(name)
        if type(parent) in _CONTAINERS:
            held = self._expressions(above) if above else []
            candidates: Iterable[_Expression] = [e for holder in held for e in _elements(holder, name)]
        else:
            methods = self._methods_of(type(parent))
            added = tuple(node for method in methods for node in method.bindings.appended.get(name, ()))
            candidates = [
                _Expression(method, node, added) for method in methods for node in method.bindings.bound.get(name, ())
            ]
            if not candidates and isinstance(parent, _CONTAINERS):
                calls = [_Expression(method, node) for method in methods for node in method.bindings.above]
                candidates = [e for call in calls for e in _elements(call, name)]
        for candidate in candidates:
            for node in _constructors(candidate.node, candidate.method.names):
                if _builds(node, candidate.method.names, module):
                    yield _Expression(candidate.method, node, candidate.added)

    def _methods_of(self, cls: type) -> list[_Method]:
        if cls not in self._methods:
            found = []
            for base in cls.__mro__:
                if base.__module__.startswith("torch.nn.modules"):
                    continue
                functions = [inspect.unwrap(value) for value in vars(base).values() if isinstance(value, FunctionType)]
                found += [method for function in functions if (method := self._method(function)) is not None]
            self._methods[cls] = found
        return self._methods[cls]

    def _method(self, function: Any) -> _Method | None:
        code = getattr(function, "__code__", None)
        if code is None or is_foreign(code.co_filename):
            return None
        file = code.co_filename
        if file not in self._files:
            self._files[file] = _functions("".join(linecache.getlines(file)))
        node = self._files[file].get(code.co_firstlineno)
        if node is None or node.name != code.co_name:
            return None
        return _Method(file, _bindings(node), function.__globals__)


@lru_cache(maxsize=16)
def _functions(source: str) -> dict[int, ast.FunctionDef]:
    """The functions of a file by the first line of each, its decorators counted."""
    try:
        waiting: list[ast.AST] = list(ast.parse(source).body)
    except (SyntaxError, ValueError):  # the file is not what was imported
        return {}
    found = {}
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef):
            found[min([node.lineno, *[mark.lineno for mark in node.decorator_list]])] = node
        for block in ("body", "orelse", "finalbody", "handlers"):  # functions stand in statements, never in expressions
            waiting.extend(getattr(node, block, ()))
    return found


@lru_cache(maxsize=1024)
def _bindings(function: ast.FunctionDef) -> _Bindings:
    """Read in one walk: a network's modules are many, and each is looked up by its name."""
    arguments = (*function.args.posonlyargs, *function.args.args)
    me = arguments[0].arg if arguments else ""
    found = _Bindings()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for name in dict.fromkeys(own for target in targets if (own := _own_name(target, me))):
                if node.value is not None:
                    found.bound.setdefault(name, []).append(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            _read_call(found, node, node.func, me)
    return found


def _read_call(found: _Bindings, node: ast.Call, callee: ast.Attribute, me: str) -> None:
    if callee.attr in ("add_module", "register_module") and _is_name(callee.value, me) and len(node.args) == 2:
        name = node.args[0]
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            found.bound.setdefault(name.value, []).append(node.args[1])
    elif callee.attr == "append" and len(node.args) == 1 and (held := _own_name(callee.value, me)):
        found.appended.setdefault(held, []).append(node.args[0])
    elif callee.attr == "__init__" and isinstance(callee.value, ast.Call) and _is_name(callee.value.func, "super"):
        found.above.append(node)


def _own_name(node: ast.expr, me: str) -> str:
    """The name of an attribute of the object itself (``self.name``); "" for anything else."""
    return node.attr if isinstance(node, ast.Attribute) and _is_name(node.value, me) else ""


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _elements(holder: _Expression, name: str) -> Iterator[_Expression]:
    """The expressions in a container's constructor call that may have built its element ``name``."""
    nodes = [*_listed(holder.node, name), *holder.added]
    return (_Expression(holder.method, node) for node in nodes)


def _listed(node: ast.expr, name: str) -> Iterator[ast.expr]:
    if not isinstance(node, ast.Call) or not node.args or node.keywords:
        return
    first = node.args[0]
    if len(node.args) == 1 and isinstance(first, ast.Starred):
        first = first.value
    elif len(node.args) > 1 or not isinstance(first, ast.Call | ast.List | ast.Tuple | ast.Dict | _Comprehension):
        yield from _at(node.args, name)
        return
    if isinstance(first, ast.Call) and _last(first.func) not in ("OrderedDict", "dict"):
        yield from _at(node.args, name)
    else:
        yield from _in_collection(first, name)


def _in_collection(node: ast.expr, name: str) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call):  # OrderedDict(...)
        if len(node.args) == 1:
            yield from _in_collection(node.args[0], name)
        yield from (keyword.value for keyword in node.keywords if keyword.arg == name)
    elif isinstance(node, _Comprehension):
        yield node.elt
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == name:
                yield value
    elif isinstance(node, ast.List | ast.Tuple):
        pairs = [e for e in node.elts if isinstance(e, ast.Tuple) and len(e.elts) == 2]
        named = [e.elts[1] for e in pairs if isinstance(e.elts[0], ast.Constant) and e.elts[0].value == name]
        if named:
            yield from named
        else:
            yield from _at(node.elts, name)


def _at(nodes: list[ast.expr], name: str) -> Iterator[ast.expr]:
    """The element at a position that is certain: nothing before it is unpacked."""
    before = nodes[: int(name) + 1] if name.isdigit() and int(name) < len(nodes) else []
    if before and not any(isinstance(node, ast.Starred) for node in before):
        yield before[-1]


def _constructors(node: ast.expr, names: dict[str, Any]) -> Iterator[ast.expr]:
    """The constructor calls an expression may evaluate to."""
    if isinstance(node, ast.IfExp):
        yield from _constructors(node.body, names)
        yield from _constructors(node.orelse, names)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _constructors(value, names)
    elif isinstance(node, ast.Call):
        callee = _value(node.func, names)
        if isinstance(node.func, ast.Attribute) and node.func.attr in _FLUENT and callee is None:
            yield from _constructors(node.func.value, names)
        elif node.args and str(getattr(callee, "__module__", "")).startswith("torch.nn.utils"):
            yield from _constructors(node.args[0], names)  # weight_norm(nn.Conv1d(...))
        else:
            yield node


def _builds(node: ast.expr, names: dict[str, Any], module: nn.Module) -> bool:
    """Whether a call makes an object of a module's class."""
    if not isinstance(node, ast.Call):
        return False
    cls = type(module)
    if hasattr(module, "parametrizations"):  # its class is made on the fly
        cls = cls.__mro__[1]
    return _value(node.func, names) is cls


def _value(node: ast.expr, names: dict[str, Any]) -> Any:
    """What a dotted name is at module level; None if it is not one."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _value(node.value, names)
        return getattr(owner, node.attr, None) if owner is not None else None
    return None


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""

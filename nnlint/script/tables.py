"""Tables of networks: dictionaries of a file that hold its network classes, however these come into them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping

#: methods of a dictionary that put something into it
_PUTTING = frozenset({"update", "setdefault", "__setitem__"})


def tables(tree: ast.Module, is_network: Callable[[ast.expr], bool]) -> frozenset[str]:
    """The names at module level of dictionaries that hold networks.

    They are written with them (``{"small": Small}``), are given them (``MODELS["small"] = Small``,
    ``MODELS.update(small=Small)``), or by a function that puts its argument there, called or as a decorator.

    Args:
        is_network: whether an expression names a class of networks, or a function that gives one.
    """
    registrars = dict(_registrars(tree))
    found: set[str] = set()
    for node in tree.body:
        looped = _loop_values(node)
        for statement in node.body if isinstance(node, ast.For) else [node]:
            for table, values in _filled(statement, registrars):
                if any(is_network(value) for value in [*values, *looped]):
                    found.add(table)
    return frozenset(found)


def _filled(node: ast.stmt, registrars: Mapping[str, str]) -> Iterator[tuple[str, list[ast.expr]]]:
    """What a statement puts into which tables."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        name = ast.copy_location(ast.Name(node.name, ast.Load()), node)
        for decorator in node.decorator_list:
            function = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(function, ast.Name) and function.id in registrars:
                yield registrars[function.id], [name]
    elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            yield target.value.id, [node.value]
        elif isinstance(target, ast.Name):
            yield target.id, _entries(node.value)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        if isinstance(call.func, ast.Name) and call.func.id in registrars:
            yield registrars[call.func.id], _arguments(call)
        elif (
            isinstance(call.func, ast.Attribute)
            and call.func.attr in _PUTTING
            and isinstance(call.func.value, ast.Name)
        ):
            yield call.func.value.id, _arguments(call)


def _entries(value: ast.expr) -> list[ast.expr]:
    """The values of a dictionary as it is written."""
    if isinstance(value, ast.Dict):
        return value.values
    is_dict = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "dict"
    return _arguments(value) if is_dict else []  # type: ignore[arg-type]


def _arguments(call: ast.Call) -> list[ast.expr]:
    """What a call is given, the values of written dictionaries among it."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return [*given, *(value for one in given if isinstance(one, ast.Dict) for value in one.values)]


def _loop_values(node: ast.stmt) -> list[ast.expr]:
    """What a loop over written values goes through: ``for made in (Small, Large)``."""
    written = isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple | ast.List)
    return list(node.iter.elts) if written else []  # type: ignore[attr-defined]


def _registrars(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The functions that put an argument of theirs, or of a function in them, into a table; with the table."""
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef):
            continue
        inner = [node for node in ast.walk(function) if isinstance(node, ast.FunctionDef | ast.Lambda)]
        arguments = {one.arg for node in inner for one in (*node.args.posonlyargs, *node.args.args)}
        for node in ast.walk(function):
            if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Name):
                continue
            target = node.targets[0]
            if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and node.value.id in arguments:
                yield function.name, target.value.id


def table_of(function: ast.expr) -> ast.Name | None:
    """The table that a callee is taken out of: ``MODELS[name]``, ``MODELS.get(name)``."""
    if isinstance(function, ast.Call) and isinstance(function.func, ast.Attribute) and function.func.attr == "get":
        function = function.func
    if isinstance(function, ast.Subscript | ast.Attribute) and isinstance(function.value, ast.Name):
        taken = isinstance(function, ast.Subscript) or function.attr == "get"
        return function.value if taken else None
    return None

"""Whether two uses of a name are of one variable: `model` in one function is another than `model` in the next."""

from __future__ import annotations

import ast

from nnlint.load.candidate import Candidate
from nnlint.script.model import Script
from nnlint.site import Site, of_node

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def is_another(script: Script, name: str, site: Site, candidate: Candidate) -> bool:
    """Whether the variable ``name`` at ``site`` is surely not the one that holds a network.

    That is so where both are local, each to a function of its own, and the function of ``site`` does not speak of the
    other: it does not get the network from there.
    """
    home = next((build.function for build in script.builds if _holds(build.variable, build.site, name, candidate)), "")
    function = _innermost(script.tree, site) if home else None
    if function is None or candidate.site is None or _spans(function, candidate.site):
        return False
    return _is_local(name, function) and not _mentions(function, home.rpartition(".")[2])


def is_certain(script: Script, name: str, site: Site, candidate: Candidate) -> bool:
    """Whether the variable ``name`` at ``site`` holds this network, and not another one that it is set to elsewhere.

    In scripts that go through several networks in turn, it holds the one that it was last set to.
    """
    set_at = [node for node in ast.walk(script.tree) if isinstance(node, ast.Assign) and _sets_anew(node, name)]
    if len(set_at) < 2 or candidate.site is None:
        return True
    function = _innermost(script.tree, site)
    before = [node for node in set_at if node.lineno <= site.line and _function_of(script, node) is function]
    last = max(before, key=lambda node: node.lineno, default=None)
    return last is not None and last.lineno <= candidate.site.line <= (last.end_lineno or last.lineno)


def _sets_anew(node: ast.Assign, name: str) -> bool:
    """Whether a variable is set to something that is not made of what it held: ``net = wrap(net)`` is."""
    given = any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    return given and not any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node.value))


def _function_of(script: Script, node: ast.Assign) -> _Function | None:
    return _innermost(script.tree, of_node(script.path, script.lines, node))


def _holds(variable: str, built: Site, name: str, candidate: Candidate) -> bool:
    return variable == name and candidate.site == built


def _innermost(tree: ast.Module, site: Site) -> _Function | None:
    """The innermost function around a place."""
    around = [node for node in ast.walk(tree) if isinstance(node, _Function) and _spans(node, site)]
    return max(around, key=lambda node: node.lineno, default=None)


def _spans(function: _Function, site: Site) -> bool:
    return function.lineno <= site.line <= (function.end_lineno or function.lineno)


def _is_local(name: str, function: _Function) -> bool:
    """Whether a function makes a variable of its own, and is not given it."""
    stored = (node for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    given = function.args
    parameters = {arg.arg for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
    return name not in parameters and any(node.id == name for node in stored)


def _mentions(function: _Function, name: str) -> bool:
    """Whether a function speaks of another one by its name: it may get the network from there."""
    words = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    words |= {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
    return name in words

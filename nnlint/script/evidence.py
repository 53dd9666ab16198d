"""What a variable is used as: a value that is called, put into training mode and asked for its parameters is a network.

This is how networks made by libraries nnlint has never heard of are recognised: not by a list of their names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from nnlint.script import torchnames
from nnlint.script.networks import LOSS_NAME, Networks
from nnlint.script.scopes import Scope

#: methods that only a module has
_CERTAIN = torchnames.words(
    "parameters named_parameters modules named_modules children named_children buffers named_buffers "
    "register_forward_hook"
)
#: methods that others have too: they count where the value is also called
_LIKELY = torchnames.words("train eval to cuda cpu half float zero_grad state_dict load_state_dict requires_grad_")
#: what variables are called that hold a network: enough where a class of a library makes the value
_NAMED = re.compile(
    r"(^|[._])(model|net|network|backbone|encoder|decoder|generator|discriminator|unet|vae)_?\d*$", re.I
)
_CLASS_METHODS = torchnames.words("from_config _from_config from_pretrained from_name")
#: how the methods of a registry are called that make a network
_BUILDING = re.compile(r"(build|create|make|get|new|instantiate)(_|$)")
_CALLED = "()"
_LAYER_SET = "layer="

#: (scope, variable) → what is done with it
Uses = dict[tuple[Scope, str], set[str]]


class Evidence:
    """The uses of every variable of a file, gathered on the first question."""

    def __init__(self, networks: Networks) -> None:
        self.networks = networks
        self._uses: Uses | None = None
        #: (scope, variable) → parameters of this file's functions it is handed to
        self._handed: dict[tuple[Scope, str], set[tuple[Scope, str]]] = {}

    def constructor(self, call: ast.Call, target: ast.expr, scope: Scope) -> list[tuple[str, ast.Call]]:
        """The constructor call in an assigned value, if its target is used (or named) as a network is."""
        key = self.key(target, scope)
        if key is None:
            return []
        inner = _without_moves(call)
        callee = self._callee(inner, scope, key) if inner is not None else None
        if inner is None or callee is None or not (self.is_network(key) or _is_named_so(key[1], callee)):
            return []
        return [(callee, inner)]

    def is_part(self, target: ast.expr, scope: Scope) -> bool:
        """Whether a target is an attribute of a variable that holds a network."""
        if not isinstance(target, ast.Attribute):
            return False
        key = self.key(target.value, scope)
        return key is not None and key[1] != "self" and self.is_network(key)

    def is_network(self, key: tuple[Scope, str]) -> bool:
        """Whether what is done with a variable is done with networks alone."""
        uses = self._all_uses(key)
        if uses & _CERTAIN or _LAYER_SET in uses or "eval()" in uses:
            return True
        return _CALLED in uses and bool(uses & _LIKELY)

    def _all_uses(self, key: tuple[Scope, str]) -> set[str]:
        if self._uses is None:
            self._uses = {}
            for scope in self.networks.names.module.walk():
                self._gather(scope, self._uses)
        found: set[str] = set()
        queue, seen = [key], {key}
        while queue:
            current = queue.pop()
            found |= self._uses.get(current, set())
            for handed in self._handed.get(current, ()):
                if handed not in seen:
                    seen.add(handed)
                    queue.append(handed)
        return found

    def key(self, node: ast.expr, scope: Scope) -> tuple[Scope, str] | None:
        """A variable, by the scope that binds it; an attribute of ``self`` belongs to the class."""
        if isinstance(node, ast.Name):
            found = scope.lookup(node.id)
            return (found[0], node.id) if found else None
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            above: Scope | None = scope
            while above is not None and not above.is_class:
                above = above.parent
            return (above, f"self.{node.attr}") if above else None
        return None

    def _callee(self, call: ast.Call, scope: Scope, key: tuple[Scope, str]) -> str | None:
        """The dotted name (or source text) of a callee that may make networks; None for one that cannot."""
        arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
        if any(self._is_known_network(argument, scope) for argument in arguments):
            return None  # a wrapper: what it gives is the network it was given
        reference = self.networks.names.resolve(call.func, scope)
        if reference is None:
            return ast.unparse(call.func) if self._may_be_constructor(call.func, scope, key) else None
        if reference.scope is not None:  # a class of this file that is no network stays none
            return None if reference.scope.is_class else reference.dotted
        if reference.dotted in {"eval", "getattr"}:
            return reference.dotted
        if LOSS_NAME.search(reference.dotted):
            return None
        elsewhere = torchnames.is_torch(reference.dotted) or torchnames.is_foreign(reference.dotted)
        return None if elsewhere or "." not in reference.dotted else reference.dotted

    def _may_be_constructor(self, func: ast.expr, scope: Scope, key: tuple[Scope, str]) -> bool:
        """Whether a callee known only when the program runs may be one: of methods those of a registry alone."""
        root = func
        while isinstance(root, ast.Attribute):
            root = root.value
        if self.key(root, scope) == key:
            return False
        if isinstance(root, ast.Name) and isinstance(func, ast.Attribute):
            return root.id != "self" and bool(_BUILDING.match(func.attr) and self._all_uses(key) & _CERTAIN)
        return True

    def _is_known_network(self, node: ast.expr, scope: Scope) -> bool:
        key = self.key(node, scope)
        if key is not None:
            return self.is_network(key)
        return isinstance(node, ast.Call) and any(True for _ in self.networks.expression(node, scope))

    def _gather(self, scope: Scope, uses: Uses) -> None:
        for call in scope.calls:
            self._gather_call(call, scope, uses)
        for assignment in scope.assigns:
            self._gather_assignment(assignment, scope, uses)

    def _gather_call(self, node: ast.Call, scope: Scope, uses: Uses) -> None:
        self._note(node.func, _CALLED, scope, uses)
        if isinstance(node.func, ast.Attribute):
            name = node.func.attr
            bare = name == "eval" and not node.args and not node.keywords
            self._note(node.func.value, "eval()" if bare else name, scope, uses)
        for key, parameter in self._handed_over(node, scope):
            self._handed.setdefault(key, set()).add(parameter)

    def _gather_assignment(self, node: ast.Assign, scope: Scope, uses: Uses) -> None:
        target = node.targets[0]
        if isinstance(target, ast.Attribute) and isinstance(node.value, ast.Call):
            dotted = self.networks.names.dotted(node.value.func, scope)
            if dotted is not None and torchnames.is_module_class(dotted):
                self._note(target.value, _LAYER_SET, scope, uses)

    def _note(self, node: ast.expr, use: str, scope: Scope, uses: Uses) -> None:
        key = self.key(node, scope)
        if key is not None and key[1] != "self":
            uses.setdefault(key, set()).add(use)

    def _handed_over(self, call: ast.Call, scope: Scope) -> Iterator[tuple[tuple[Scope, str], tuple[Scope, str]]]:
        """Pairs (variable, parameter of a function of this file that receives it)."""
        if not any(isinstance(argument, ast.Name | ast.Attribute) for argument in call.args) and not call.keywords:
            return
        reference = self.networks.names.resolve(call.func, scope)
        function = reference.node if reference else None
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            return
        inner = self.networks.names.scopes[function]
        names = [argument.arg for argument in [*function.args.posonlyargs, *function.args.args]]
        pairs = [*zip(names, call.args, strict=False), *((keyword.arg, keyword.value) for keyword in call.keywords)]
        for name, value in pairs:
            key = self.key(value, scope)
            if key is not None and name is not None and name in inner.bindings:
                yield key, (inner, name)


def _is_named_so(variable: str, callee: str) -> bool:
    """Whether ``model = Thing(...)`` with a library's class: a loader that finds no network in it passes over it."""
    library, _, leaf = callee.rpartition(".")
    return bool(library and _NAMED.search(variable)) and (leaf[:1].isupper() or leaf in _CLASS_METHODS)


def _without_moves(call: ast.Call) -> ast.Call | None:
    expr: ast.expr = call
    while isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute):
        if expr.func.attr not in torchnames.SELF_METHODS or not isinstance(expr.func.value, ast.Call):
            break
        expr = expr.func.value
    return expr if isinstance(expr, ast.Call) else None

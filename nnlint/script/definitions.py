"""`NetworkClass` and `Factory`: what the classes and functions of a file look like from outside."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nnlint.script.model import Argument, Factory, NetworkClass
from nnlint.script.networks import Networks, is_static, methods
from nnlint.script.scopes import FunctionNode, Scope
from nnlint.script.spans import Spans
from nnlint.script.torchnames import words

#: methods that a framework calls, or that are about the network rather than its forward pass
_NOT_FORWARD = words(
    "training_step validation_step test_step predict_step configure_optimizers train eval parameters state_dict "
    "load_state_dict to cuda cpu reset_parameters init_weights extra_repr backward"
)


def network_classes(networks: Networks, spans: Spans) -> tuple[NetworkClass, ...]:
    """The network classes of a file, in the order of the source."""
    scopes = [scope for scope in networks.names.module.walk() if scope.is_class and networks.is_network(scope)]
    users = _used_by(networks, scopes)
    return tuple(_network_class(networks, scope, users.get(scope, ()), spans) for scope in scopes)


def _network_class(networks: Networks, scope: Scope, used_by: tuple[str, ...], spans: Spans) -> NetworkClass:
    node = scope.node
    assert isinstance(node, ast.ClassDef)
    init = _method(networks, scope, "__init__")
    forward = forward_of(networks, scope)
    return NetworkClass(
        name=scope.name,
        node=node,
        site=spans.header(node),
        bases=networks.bases(scope),
        arguments=_without_self(init) if init else _dataclass_fields(node),
        forward=_without_self(forward) if forward else (),
        forward_name=forward.name if forward else None,
        used_by=used_by,
    )


def forward_of(networks: Networks, scope: Scope) -> FunctionNode | None:
    """The ``forward`` of a network class, or the method that plays its part."""
    return _method(networks, scope, "forward") or _method(networks, scope, "__call__") or _only_forward(scope)


def _method(networks: Networks, scope: Scope, name: str) -> FunctionNode | None:
    """A method of a class by name, its own or one inherited from a class whose source is known."""
    for _, current in [(networks, scope), *networks.base_scopes(scope)]:
        assert isinstance(current.node, ast.ClassDef)
        found = next((method for method in methods(current.node) if method.name == name), None)
        if found is not None:
            return found
    return None


def _only_forward(scope: Scope) -> FunctionNode | None:
    """The one method that passes its argument to a submodule, in a class that has no ``forward``."""
    assert isinstance(scope.node, ast.ClassDef)
    found = [method for method in methods(scope.node) if _computes(method)]
    return found[0] if len(found) == 1 else None


def _computes(method: FunctionNode) -> bool:
    if method.name.startswith(("_", "on_")) or method.name in _NOT_FORWARD or method.name.endswith("_dataloader"):
        return False
    if is_static(method):
        return False
    parameters = {argument.arg for argument in method.args.args[1:]}
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "self"
        and any(isinstance(value, ast.Name) and value.id in parameters for value in node.args)
        for node in ast.walk(method)
    )


def _dataclass_fields(node: ast.ClassDef) -> tuple[Argument, ...]:
    decorators = {ast.unparse(item).partition("(")[0].rpartition(".")[2] for item in node.decorator_list}
    if "dataclass" not in decorators:
        return ()
    return tuple(
        Argument(item.target.id, "positional", item.value, ast.unparse(item.annotation))
        for item in node.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    )


def signature(function: FunctionNode) -> tuple[Argument, ...]:
    """The parameters of a function, in order, with their defaults and annotations."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    found = [
        _argument(arg, "positional", default)
        for arg, default in zip(positional, [*missing, *arguments.defaults], strict=True)
    ]
    if arguments.vararg:
        found.append(_argument(arguments.vararg, "var-positional", None))
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    found += [_argument(arg, "keyword", default) for arg, default in pairs]
    if arguments.kwarg:
        found.append(_argument(arguments.kwarg, "var-keyword", None))
    return tuple(found)


def _argument(arg: ast.arg, kind: str, default: ast.expr | None) -> Argument:
    annotation = ast.unparse(arg.annotation) if arg.annotation is not None else None
    return Argument(arg.arg, kind, default, annotation)  # type: ignore[arg-type]


def _without_self(function: FunctionNode) -> tuple[Argument, ...]:
    found = signature(function)
    bound = not is_static(function) and found and found[0].kind == "positional"
    return found[1:] if bound else found


def factories(networks: Networks, spans: Spans) -> tuple[Factory, ...]:
    """The functions at module level that return a network they build and do not train, in the order of the source."""
    found = []
    for scope in networks.names.module.inner:
        if isinstance(scope.node, ast.FunctionDef):
            builds = networks.factory(scope)
            if builds and not networks.trains(scope):
                found.append(Factory(scope.name, scope.node, spans.header(scope.node), signature(scope.node), builds))
    return tuple(found)


def _used_by(networks: Networks, scopes: list[Scope]) -> dict[Scope, tuple[str, ...]]:
    """For each network class, the other ones that are made of it: their bodies name it, or it is handed to them."""
    known = set(scopes)
    users: dict[Scope, dict[str, None]] = {}
    for user in scopes:
        for used in _named_in(networks, user, known):
            if used is not user and user not in _ancestors(used):
                users.setdefault(used, {})[user.name] = None
    for used, user in _handed_over(networks, known):
        if used is not user:
            users.setdefault(used, {})[user.name] = None
    return {scope: tuple(names) for scope, names in users.items()}


def _ancestors(scope: Scope) -> Iterator[Scope]:
    above = scope.parent
    while above is not None:
        yield above
        above = above.parent


def _named_in(networks: Networks, user: Scope, known: set[Scope]) -> Iterator[Scope]:
    """The known classes that a class's body uses, but for those it only tests for or is annotated with."""
    for scope in user.walk():
        for load in scope.loads:
            if load.root != "self":
                reference = networks.names.resolve(load.node, scope)
                if reference is not None and reference.scope in known:
                    yield reference.scope


def _handed_over(networks: Networks, known: set[Scope]) -> Iterator[tuple[Scope, Scope]]:
    """Pairs (class, network class it is an argument of): ``ResNet(BasicBlock, [2, 2, 2, 2])``."""
    for scope in networks.names.module.walk():
        for node in scope.calls:
            values = [*node.args, *(keyword.value for keyword in node.keywords)]
            named = [value for value in values if isinstance(value, ast.Name | ast.Attribute)]
            callee = networks.names.resolve(node.func, scope) if named else None
            if callee is None or callee.scope not in known:
                continue
            for value in named:
                reference = networks.names.resolve(value, scope)
                if reference is not None and reference.scope in known:
                    yield reference.scope, callee.scope

"""Which networks a file has, and the ways to build each: the order is the order of the evidence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from torch import nn

from nnlint.load import inferring
from nnlint.load.guessing import VARIANTS, Sizes
from nnlint.load.session import Session
from nnlint.load.trying import Attempt
from nnlint.script.model import Argument, Build, Factory, NetworkClass
from nnlint.site import of_node

#: modules that are no networks: they prepare data
_TRANSFORMS = ("torchvision.transforms", "torchaudio.transforms", "kornia.augmentation")
#: factories of one file tried without being asked for: a model zoo has dozens
FACTORIES = 8


def target_text(session: Session, name: str) -> str:
    """How the user names a network of the file."""
    return f"{session.script.path}:{name}"


def builds(session: Session) -> list[Build]:
    """The expressions of the file that build whole networks."""
    factories = {factory.name for factory in session.script.factories}
    return [build for build in session.script.builds if _is_network(session, build, factories)]


def parts(session: Session, built: list[Build]) -> set[str]:
    """The targets of those builds whose variable another one is given: ``Probe(backbone)``."""
    given = {
        (argument.id, build.function)
        for build in built
        for call in ast.walk(build.node)
        if isinstance(call, ast.Call)
        for argument in (*call.args, *(keyword.value for keyword in call.keywords))
        if isinstance(argument, ast.Name)
    }
    return {target_text(session, build.variable) for build in built if (build.variable, build.function) in given}


def _is_network(session: Session, build: Build, factories: set[str]) -> bool:
    if build.owner is not None or build.function in factories or session.places.in_lambda(build.node):
        return False
    if session.places.is_to_fail(build.node):
        return False
    if build.callee.startswith(_TRANSFORMS):
        return False
    if build.callee.startswith("torch.nn.") and session.places.is_part(build.node):
        return False  # `layers.append(nn.Linear(3, 3))`
    plain = "." not in build.variable.removeprefix("self.")
    return not build.callee.startswith("torch.nn.") or (plain and bool(build.variable))


def factories(session: Session, called: set[str]) -> list[Factory]:
    """The factories of whole networks: none that the file calls itself, and none that another network is made with."""
    made_with = {name for outer in _makers(session) for name in _called_in(outer)}
    return [
        factory
        for factory in session.script.factories
        if factory.name not in called | made_with and not factory.name.startswith("_")
    ]


def _makers(session: Session) -> Iterator[ast.AST]:
    for network in session.script.networks:
        yield network.node
    for factory in session.script.factories:
        yield from factory.node.body


def _called_in(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
            yield part.func.id


def of_build(session: Session, build: Build) -> Attempt:
    """The network an expression builds, with the file's own arguments."""
    name = build.variable or build.callee.rpartition(".")[2]
    return Attempt(
        target=target_text(session, name),
        name=build.callee.rpartition(".")[2],
        found=f"built at {build.site}: {ast.unparse(build.node)}",
        site=build.site,
        make=lambda: session.value_of(build),
        variables=(build.variable,) if build.variable else (),
        help=_how_to_name(session, build.callee),
    )


def of_build_in_part(session: Session, build: Build) -> Attempt:
    """The same with guesses for those arguments that cannot be evaluated here."""

    def make() -> Any:
        call = next(n for n in ast.walk(build.node) if isinstance(n, ast.Call) and _is_at(session, n, build))
        return session.call_in_part(build, call)

    return replace(of_build(session, build), make=make)


def _is_at(session: Session, node: ast.AST, build: Build) -> bool:
    return of_node(session.script.path, session.script.lines, node) == build.site


def of_factory(session: Session, factory: Factory) -> Attempt:
    """A factory called with its defaults."""
    return Attempt(
        target=target_text(session, factory.name),
        name=factory.name,
        found=f"factory with default arguments: {factory.name}()",
        site=factory.site,
        make=lambda: _call(session, factory.name),
        called_here=False,
        help=_signature_help(session, factory.name, factory.arguments),
    )


def of_class(session: Session, cls: NetworkClass) -> Attempt:
    """A class constructed with its defaults."""
    return Attempt(
        target=target_text(session, cls.name),
        name=cls.name,
        found=f"class with default arguments: {cls.name}()",
        site=cls.site,
        make=lambda: _call(session, cls.name),
        called_here=not cls.arguments and not _is_base(session, cls),  # then there is no other way to call it
        help=_signature_help(session, cls.name, cls.arguments) if cls.arguments else None,
    )


def _call(session: Session, name: str) -> Any:
    return session.top.find_value(name)()


def inferred(session: Session, what: NetworkClass | Factory) -> Iterator[Attempt]:
    """A class or factory with arguments guessed by their names, one attempt a set of sizes.

    Where an attempt fails for want of tuples (``depth must be a tuple, one a stage``), they are given in the next.
    """
    for variant in range(len(VARIANTS)):
        yield _inferred(session, what, variant, frozenset())
        stages = _wants_tuples(session.trouble, what.arguments)
        if stages:
            yield _inferred(session, what, variant, stages)


_TUPLE_WANTED = re.compile(r"tuple|len\(\)|iterable|subscriptable|\blist\b|\*: ")


def _wants_tuples(trouble: str, arguments: tuple[Argument, ...]) -> frozenset[str]:
    """The arguments an error message wants to be tuples: those it names, else those in the plural."""
    if not _TUPLE_WANTED.search(trouble):
        return frozenset()
    names = {argument.name for argument in arguments}
    named = names & set(re.findall(r"\w+", trouble))
    return frozenset(named or {name for name in names if name.endswith("s") and not name.endswith("classes")})


def _inferred(session: Session, what: NetworkClass | Factory, variant: int, stages: frozenset[str]) -> Attempt:
    def make() -> Any:
        made = session.top.find_value(what.name)
        arguments = inferring.infer(session, made, Sizes(variant, stages))
        session.guesses += arguments.said
        return made(*arguments.args, **arguments.kwargs)

    return Attempt(
        target=target_text(session, what.name),
        name=what.name,
        found=f"with default arguments: {what.name}()",
        guessed=f"{what.name} with arguments inferred from their names",
        site=what.site,
        make=make,
        called_here=False,
        help=_signature_help(session, what.name, what.arguments),
    )


def wanted_classes(session: Session) -> list[NetworkClass]:
    """The classes that can be networks of their own: not base classes, losses, or classes inside functions."""
    return [
        cls
        for cls in session.script.networks
        if (cls.forward_name is not None or "torch.nn.Sequential" in cls.bases)
        and "<locals>" not in cls.name
        and not is_loss(cls)
        and not _is_abstract(cls)
        and not (_is_base(session, cls) and _leaves_open(cls))
    ]


def _is_base(session: Session, cls: NetworkClass) -> bool:
    """Whether another class of the file inherits from it."""
    return any(base.rpartition(".")[2] == cls.name for other in session.script.networks for base in other.bases)


def _leaves_open(cls: NetworkClass) -> bool:
    """Whether ``forward`` reads attributes of ``self`` that nothing in the class sets: its subclasses do."""
    if cls.bases != ("torch.nn.Module",):
        return False
    if any(isinstance(node, ast.Call) and _last(node.func) in _SETTERS for node in ast.walk(cls.node)):
        return False
    body = cls.node.body
    methods = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    values = {name.id for node in body for name in ast.walk(node) if isinstance(name, ast.Name)}
    stated = {attribute.attr for attribute in _of_self(cls.node) if isinstance(attribute.ctx, ast.Store)}
    known = {*methods, *values, *stated, *dir(nn.Module())}
    forward = next((node for node in body if isinstance(node, ast.FunctionDef) and node.name == cls.forward_name), None)
    return forward is not None and any(attribute.attr not in known for attribute in _of_self(forward))


#: calls that set attributes under names only they know
_SETTERS = frozenset({"setattr", "add_module", "register_module", "register_buffer", "register_parameter", "update"})


def _last(func: ast.expr) -> str:
    return ast.unparse(func).rpartition(".")[2]


def _of_self(node: ast.AST) -> Iterator[ast.Attribute]:
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "self":
            yield part


_TARGETS = frozenset(
    "target targets label labels y_true gt gts ground_truth groundtruth true truth y_hat_true tgt_labels".split()  # noqa: SIM905
)
_PREDICTIONS = frozenset(
    [
        "pred",
        "preds",
        "prediction",
        "predictions",
        "logits",
        "logit",
        "output",
        "outputs",
        "y_pred",
        "input",
        "inputs",
        "inp",
        "x",
        "y_hat",
        "yhat",
        "probs",
        "score",
        "scores",
        "hat",
        "anchor",
        "recon",
        "estimate",
    ]
)


def is_loss(cls: NetworkClass) -> bool:
    """A loss or a metric: its ``forward`` takes predictions and targets."""
    names = [argument.name.lower() for argument in cls.forward]
    if cls.name.lower().endswith(("loss", "criterion", "metric", "losses", "error")):
        return True
    return len(names) >= 2 and names[0] in _PREDICTIONS and names[1] in _TARGETS and not _has_layers(cls)


def _has_layers(cls: NetworkClass) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _WEIGHTED
        for node in ast.walk(cls.node)
    )


_WEIGHTED = frozenset({"Linear", "Conv1d", "Conv2d", "Conv3d", "Embedding", "LSTM", "GRU", "Sequential", "Parameter"})


def _is_abstract(cls: NetworkClass) -> bool:
    """Whether a method must be overridden: marked abstract, or a ``forward`` that only raises."""
    for node in cls.node.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        if any(ast.unparse(decorator).endswith("abstractmethod") for decorator in node.decorator_list):
            return True
        body = [n for n in node.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
        if node.name == "forward" and all(isinstance(n, ast.Raise | ast.Pass) for n in body):
            return True
    return False


def definition(session: Session, name: str) -> NetworkClass | Factory | None:
    """The class or factory of the file that has this name."""
    found: list[NetworkClass | Factory] = [*session.script.networks, *session.script.factories]
    return next((what for what in found if what.name == name), None)


def has_defaults(what: NetworkClass | Factory) -> bool:
    """Whether it can be called without arguments."""
    return not _has_required(what.arguments)


def inherits_constructor(what: NetworkClass | Factory) -> bool:
    """Whether a class has no ``__init__`` of its own: what it requires then is for its bases to say."""
    return isinstance(what, NetworkClass) and not any(
        isinstance(node, ast.FunctionDef) and node.name == "__init__" for node in what.node.body
    )


def _has_required(arguments: tuple[Argument, ...]) -> bool:
    return any(a.default is None and a.kind in ("positional", "keyword") for a in arguments)


def _signature_help(session: Session, name: str, arguments: tuple[Argument, ...]) -> str:
    parts = []
    for argument in arguments:
        star = {"var-positional": "*", "var-keyword": "**"}.get(argument.kind, "")
        default = f"={ast.unparse(argument.default)}" if argument.default is not None else ""
        parts.append(f"{star}{argument.name}{default}")
    call = f"{name}({', '.join(parts)})"
    return f"its signature is {call}; name a call with its arguments: '{session.script.path}:{name}(...)'"


def _how_to_name(session: Session, callee: str) -> str | None:
    what = definition(session, callee)
    if what is not None:
        return _signature_help(session, callee, what.arguments)
    return f"name a call that can be made without running the script: '{session.script.path}:{callee}(...)'"

"""Arguments for a class or factory the file never calls: from its signature, and from what else the file has."""

from __future__ import annotations

import ast
import dataclasses
import enum
import inspect
import itertools
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from torch import nn

from nnlint.load.entering import UnknownArgumentError
from nnlint.load.guessing import Sizes, guess
from nnlint.load.standin import origin_of

if TYPE_CHECKING:
    from nnlint.load.session import Session

_CONFIG = re.compile(r"(.*_)?(config|cfg|conf|args|hparams|opts?|params|settings|hps|hp|configs)\Z")
_BLOCK = re.compile(r".*(block|bottleneck|cell)(_?(type|cls|class|fn))?\Z")
#: functions that people read their settings in
_READERS = re.compile(
    r"(get|parse|make|build|load|default|create)_?(args?|arguments|config|cfg|opts?|options|hparams|params|parser)\Z"
)
_LAYERS: dict[str, Callable[[], Any]] = {
    "norm_layer": lambda: nn.BatchNorm2d,
    "norm": lambda: nn.BatchNorm2d,
    "act_layer": lambda: nn.ReLU,
    "act": nn.ReLU,
    "activation": nn.ReLU,
    "nonlinearity": nn.ReLU,
    "conv_layer": lambda: nn.Conv2d,
}
_DEPTH = 3
_SEVERAL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclasses.dataclass(frozen=True, slots=True)
class Inferred:
    """Keyword (and positional-only) arguments, and how each guess reads in a report."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    said: tuple[str, ...]


def infer(session: Session, made: Callable[..., Any], sizes: Sizes, depth: int = 0) -> Inferred:
    """Arguments for everything ``made`` requires.

    Raises:
        UnknownArgumentError: for one there is no telling.
    """
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    said: list[str] = []
    for parameter in required(made):
        value, text = _one(session, made, parameter, sizes, depth)
        said.append(f"{parameter.name}={text}")
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            args.append(value)
        else:
            kwargs[parameter.name] = value
    return Inferred(tuple(args), kwargs, tuple(said))


def required(made: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters of a class or function that have no default; those of its bases where it hands on ``**kwargs``."""
    found: dict[str, inspect.Parameter] = {}
    seen: set[str] = set()
    given = 0
    for function in _functions(made):
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError):
            break
        own = parameters[1:] if inspect.isclass(made) else parameters
        for place, parameter in enumerate(own):
            if parameter.kind not in _SEVERAL and parameter.name not in seen:
                seen.add(parameter.name)
                if parameter.default is inspect.Parameter.empty and place >= given:
                    found[parameter.name] = parameter
        several = {parameter.name for parameter in own if parameter.kind in _SEVERAL}
        call = _handing_on(function, several) if several else None
        if call is None:
            break
        seen |= {keyword.arg for keyword in call.keywords if keyword.arg is not None}
        given = _given(call)
    return list(found.values())


def _handing_on(function: Callable[..., Any], several: set[str]) -> ast.Call | None:
    """The call of a base's ``__init__`` that is handed ``*args`` or ``**kwargs``; None if there is none.

    Where the source cannot be read, the plain ``super().__init__(**kwargs)``.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        tree = ast.parse(f"super().__init__(**{min(several)})")
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "__init__":
            spread: list[ast.expr] = [keyword.value for keyword in call.keywords if keyword.arg is None]
            spread += [argument.value for argument in call.args if isinstance(argument, ast.Starred)]
            names = {part.id for value in spread for part in ast.walk(value) if isinstance(part, ast.Name)}
            if names & several:
                return call
    return None


def _given(call: ast.Call) -> int:
    """How many of the base's parameters a call of its ``__init__`` gives by their place."""
    assert isinstance(call.func, ast.Attribute)
    plain = list(itertools.takewhile(lambda argument: not isinstance(argument, ast.Starred), call.args))
    unbound = not isinstance(call.func.value, ast.Call)  # `Base.__init__(self, ...)`
    return max(len(plain) - unbound, 0)


def _functions(made: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """What is called in the end: a function, or the ``__init__`` of a class and of its bases, up to torch's."""
    if not inspect.isclass(made):
        yield made
        return
    for cls in made.__mro__:
        if cls in (nn.Module, object):
            return
        if "__init__" in vars(cls):
            yield vars(cls)["__init__"]


def annotation_text(parameter: inspect.Parameter) -> str | None:
    """A parameter's annotation as source text."""
    annotation = parameter.annotation
    if annotation is inspect.Parameter.empty:
        return None
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _one(
    session: Session, made: Callable[..., Any], parameter: inspect.Parameter, sizes: Sizes, depth: int
) -> tuple[Any, str]:
    name, annotation = parameter.name, annotation_text(parameter)
    wanted = _resolved(session, parameter)
    found = _setting(session, name, wanted, sizes, depth)
    if found is not None:
        return found
    if depth < _DEPTH and (_BLOCK.match(name) or _is_module(annotation)):
        cls = _network_class(session, made) if not _is_module(annotation) else None
        if cls is not None:
            return cls, cls.__name__
    value = guess(name, annotation, sizes)
    if value is None and depth < _DEPTH:
        return _network(session, made, parameter, sizes, depth)
    if value is None:
        raise UnknownArgumentError(f"there is no telling what its argument `{name}` is")
    return value, repr(value)


def _setting(session: Session, name: str, wanted: Any, sizes: Sizes, depth: int) -> tuple[Any, str] | None:
    """A configuration, a member of an enumeration, or one of the layers that are chosen by an argument."""
    if depth < _DEPTH and _is_config(wanted):
        return _made(session, wanted, sizes, depth)
    if inspect.isclass(wanted) and issubclass(wanted, enum.Enum) and len(wanted):
        return next(iter(wanted)), str(next(iter(wanted)))
    if _CONFIG.match(name.lower()):
        return _config(session, name, sizes, depth)
    return (_LAYERS[name](), name) if name in _LAYERS else None


def _resolved(session: Session, parameter: inspect.Parameter) -> Any:
    annotation = parameter.annotation
    if not isinstance(annotation, str):
        return annotation
    try:
        return session.top.evaluate(ast.parse(annotation, mode="eval").body)
    except Exception:  # an annotation may name what exists for a type checker only
        return None


def _is_config(wanted: Any) -> bool:
    """A class made to hold settings: a dataclass, a pydantic model, a transformers configuration."""
    if not inspect.isclass(wanted) or wanted is inspect.Parameter.empty or issubclass(wanted, nn.Module):
        return False
    names = {base.__name__ for base in wanted.__mro__}
    return (
        dataclasses.is_dataclass(wanted)
        or bool(names & {"BaseModel", "PretrainedConfig", "PreTrainedConfig"})
        or bool(re.search(r"(Config|Args|Params|Settings|Options)\Z", wanted.__name__))
    )


def _made(session: Session, cls: type, sizes: Sizes, depth: int) -> tuple[Any, str]:
    inferred = infer(session, cls, sizes, depth + 1)
    return cls(*inferred.args, **inferred.kwargs), f"{cls.__name__}({', '.join(inferred.said)})"


def _config(session: Session, name: str, sizes: Sizes, depth: int) -> tuple[Any, str] | None:
    """A settings object of the file: a variable of that name, what its reader returns, its class's defaults."""
    for candidate in (name, name.upper()):
        if candidate in session.top.names():
            return session.top.find(candidate), candidate
    for node in session.script.tree.body:
        if isinstance(node, ast.FunctionDef) and _READERS.match(node.name):
            value = session.top.evaluate(ast.parse(node.name, mode="eval").body)
            if not required(value):
                made = value()
                return (made.parse_args() if hasattr(made, "parse_args") else made), f"{node.name}()"
        if isinstance(node, ast.ClassDef) and depth < _DEPTH:
            cls = session.top.evaluate(ast.parse(node.name, mode="eval").body)
            if _is_config(cls):
                return _made(session, cls, sizes, depth)
    return None


def _is_module(annotation: str | None) -> bool:
    return annotation is not None and "Module" in annotation and "type" not in annotation.lower()


def _classes(session: Session, made: Any) -> Iterator[type[nn.Module]]:
    for network in session.script.networks:
        if "." in network.name or network.forward_name is None:
            continue
        cls = getattr(session.module, network.name, None)
        if not inspect.isclass(cls) or not issubclass(cls, nn.Module) or origin_of(cls) is not None:
            continue
        if not (inspect.isclass(made) and issubclass(cls, made)):  # nothing is a part of itself
            yield cls


def _network_class(session: Session, made: Any) -> type[nn.Module] | None:
    """A block of the file for an argument that is called like one (``ResNet(block, layers)``)."""
    return next((c for c in _classes(session, made) if _BLOCK.match(c.__name__.lower())), None)


def _network(session: Session, made: Any, parameter: inspect.Parameter, sizes: Sizes, depth: int) -> tuple[Any, str]:
    """A small network of the file for an argument that is one."""
    name = parameter.name.lower().replace("_", "")
    if _is_module(annotation_text(parameter)) or name in _NETWORKS:
        classes = sorted(_classes(session, made), key=lambda c: name not in c.__name__.lower())
        for cls in classes:
            try:
                value, text = _made(session, cls, sizes, depth)
            except Exception:  # another class of the file may do
                continue
            return value, text
    raise UnknownArgumentError(f"there is no telling what its argument `{parameter.name}` is")


_NETWORKS = frozenset(
    ["net", "network", "model", "encoder", "decoder", "backbone", "transformer", "vit", "generator", "discriminator"]
)

"""The arguments a function of the file is entered with, when a network is built inside it."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from nnlint.load import guessing
from nnlint.load.answers import NotRunError
from nnlint.load.places import FunctionNode
from nnlint.load.slicing import loads

if TYPE_CHECKING:
    from nnlint.load.session import Session


class UnknownArgumentError(NotRunError):
    """A function's argument that neither the file nor its name tells."""


def arguments(session: Session, function: FunctionNode) -> Mapping[str, Callable[[], Any]]:
    """For every parameter of a function, how its value is found when it is asked for."""
    parameters = function.args
    owner = session.places.owner(function)
    found: dict[str, Callable[[], Any]] = {}
    names = [*parameters.posonlyargs, *parameters.args]
    if owner is not None and names and not _is_static(function):
        first = names.pop(0)
        found[first.arg] = lambda: session.instance(owner)
    for place, parameter in enumerate(names):
        found[parameter.arg] = _Argument(session, function, parameter, place)
    for parameter in parameters.kwonlyargs:
        found[parameter.arg] = _Argument(session, function, parameter, None)
    if parameters.vararg:
        found[parameters.vararg.arg] = tuple
    if parameters.kwarg:
        found[parameters.kwarg.arg] = dict
    return found


def _is_static(function: FunctionNode) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in function.decorator_list)


class _Argument:
    """Finds one argument: in a call of the file, a default, a command line option's default, else by its name."""

    def __init__(self, session: Session, function: FunctionNode, parameter: ast.arg, place: int | None) -> None:
        self.session = session
        self.function = function
        self.parameter = parameter
        self.place = place
        self.asked = False

    def __call__(self) -> Any:
        if self.asked:
            raise UnknownArgumentError(f"the argument `{self.parameter.arg}` depends on itself")
        self.asked = True
        try:
            return self._find()
        finally:
            self.asked = False

    def _find(self) -> Any:
        stated = _stated(self.session, self._calls(), self.parameter.arg, self.place)
        if stated is not None:
            return _evaluated(self.session, stated)
        owner = self.session.places.owner(self.function)
        if owner is not None and self.function.name == "__post_init__":
            fields = _Fields(self.session, owner)
            if self.parameter.arg in fields.all:  # an `InitVar`
                return fields.value(self.parameter.arg)
        default = self._default()
        if default is not None:
            outer = self.session.scope(self.session.places.function(self.function))
            return _plain(outer.evaluate(default))
        option = self._option()
        if option is not None:
            return self.session.top.evaluate(option)
        annotation = ast.unparse(self.parameter.annotation) if self.parameter.annotation else None
        guess = guessing.guess(self.parameter.arg, annotation)
        if guess is None:
            raise UnknownArgumentError(
                f"the argument `{self.parameter.arg}` of `{self.function.name}` is not known: the file does not call it"
            )
        self.session.guesses.append(f"{self.parameter.arg}={guess!r}")
        return guess

    def _calls(self) -> list[ast.Call]:
        owner = self.session.places.owner(self.function)
        if owner is not None and self.function.name == "__init__":
            calls = self.session.places.calls(owner.name)
        else:
            calls = self.session.places.calls(self.function.name, method=owner is not None)
        return [call for call in calls if self.session.places.function(call) is not self.function]

    def _default(self) -> ast.expr | None:
        parameters = self.function.args
        if self.place is None:
            pairs = zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True)
            return next((default for argument, default in pairs if argument is self.parameter), None)
        names = [*parameters.posonlyargs, *parameters.args]
        place = names.index(self.parameter) - (len(names) - len(parameters.defaults))
        return parameters.defaults[place] if place >= 0 else None

    def _option(self) -> ast.expr | None:
        """``@click.option("--width", default=64)``."""
        for decorator in self.function.decorator_list:
            if isinstance(decorator, ast.Call):
                words = [a.value for a in decorator.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                if any(word.lstrip("-").replace("-", "_") == self.parameter.arg for word in words):
                    return next((keyword.value for keyword in decorator.keywords if keyword.arg == "default"), None)
        return None


def _passed(call: ast.Call, name: str, place: int | None) -> ast.expr | None:
    """What a call gives for a parameter."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if place is None or place >= len(call.args):
        return None
    if any(isinstance(argument, ast.Starred) for argument in call.args[: place + 1]):
        return None
    return call.args[place]


def _stated(session: Session, calls: Iterable[ast.Call], name: str, place: int | None) -> ast.expr | None:
    """What the calls give for a parameter: the first that can be told, else the first."""
    nodes = [node for call in calls if (node := _passed(call, name, place)) is not None]
    return min(nodes, key=lambda node: bool(_one_of_many(session, node)), default=None)


def _one_of_many(session: Session, node: ast.expr) -> set[str]:
    """The names in an argument that its comprehension, its lambda or a loop that is not run give their values."""
    places = session.places
    run = session.scope(places.function(node)).names()
    return loads(node) & (places.bound_inside(node) | (places.bound_by_loops(node) - run))


def _evaluated(session: Session, node: ast.expr) -> Any:
    """The value of an argument of a call, where that stands.

    Raises:
        UnknownArgumentError: if it is another one each time the call is made.
    """
    many = _one_of_many(session, node)
    if many:
        raise UnknownArgumentError(f"`{min(many)}` is not known: it changes from call to call")
    scope = session.scope(session.places.function(node))
    return scope.evaluate(node, scope.position(session.places.statement(node)))


def _plain(value: Any) -> Any:
    """``typer.Option(64)`` is 64."""
    return value.default if type(value).__name__ in ("OptionInfo", "ArgumentInfo", "FieldInfo") else value


def instance(session: Session, cls: ast.ClassDef) -> Any:
    """An object of a class whose ``__init__`` has not run: an attribute is made by the method that sets it, or by the
    field of a dataclass."""
    real = _class(session, cls)
    methods = [node for node in cls.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    methods.sort(key=lambda node: node.name not in ("__init__", "__post_init__"))

    def find(self: Any, name: str) -> Any:
        if not name.startswith("__"):
            for method in methods:
                session.scope(method).provide(f"self.{name}", len(session.scope(method).steps))
                if name in self.__dict__:
                    return self.__dict__[name]
        raise AttributeError(f"{cls.name!r} object has no attribute {name!r}")

    fields = _Fields(session, cls)
    after = next((method for method in methods if method.name == "__post_init__"), None)

    def field(self: Any, name: str) -> Any:
        self.__dict__[name] = fields.value(name)
        if after is not None:
            session.scope(after).provide(f"self.{name}", len(session.scope(after).steps))
        return self.__dict__[name]

    base = real if inspect.isclass(real) else object
    own: dict[str, Any] = {"__getattr__": find, "__module__": getattr(base, "__module__", "")}
    own |= {name: cached_property(partial(field, name=name)) for name in fields.kept}
    return object.__new__(type(cls.name, (base,), own))


def _class(session: Session, cls: ast.ClassDef) -> Any:
    name = ast.Name(cls.name, ast.Load(), lineno=1, col_offset=0, end_lineno=1, end_col_offset=0)
    return session.scope(session.places.function(cls)).evaluate(name)


class _Fields:
    """The fields of a dataclass (none of another class), inherited ones and what is only for its ``__init__`` too.

    Attributes:
        all: name → field.
        kept: the names of those that ``__init__`` gives every object.
    """

    def __init__(self, session: Session, cls: ast.ClassDef) -> None:
        self.session = session
        self.cls = cls
        real = _class(session, cls)
        settings = getattr(real, "__dataclass_params__", None) if inspect.isclass(real) else None
        own = any(isinstance(node, ast.FunctionDef) and node.name == "__init__" for node in cls.body)
        made = settings is not None and settings.init and not own
        self.all: dict[str, dataclasses.Field[Any]] = real.__dataclass_fields__ if made else {}
        self.kept = [one.name for one in dataclasses.fields(real) if one.init or _has_default(one)] if made else []
        self._parameters = list(inspect.signature(real).parameters.values()) if made else []

    def value(self, name: str) -> Any:
        """What a field is: as a call of the file gives it, by its default, else by its name.

        Raises:
            UnknownArgumentError: if there is no telling.
        """
        places = {one.name: place for place, one in enumerate(self._parameters) if one.kind is not one.KEYWORD_ONLY}
        stated = _stated(self.session, self.session.places.calls(self.cls.name), name, places.get(name))
        if stated is not None:
            return _evaluated(self.session, stated)
        field = self.all[name]
        if field.default is not dataclasses.MISSING:
            return field.default
        if field.default_factory is not dataclasses.MISSING:
            return field.default_factory()
        wanted = field.type.type if isinstance(field.type, dataclasses.InitVar) else field.type
        found = guessing.guess(name, wanted if isinstance(wanted, str) else inspect.formatannotation(wanted))
        if found is None:
            raise UnknownArgumentError(f"the field `{name}` of `{self.cls.name}` is not known: the file makes none")
        self.session.guesses.append(f"{name}={found!r}")
        return found


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING

"""A network's own constructor arguments that say what data it is for, given other values while it is built.

The class (or the function that makes the network) is wrapped for the time of a build, so that whatever the file does
before and after still happens, and it does not matter where the values come from: written in the call, options of the
command line, a configuration, or defaults.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from nnlint.load.guessing import Role, role_of
from nnlint.load.standin import origin_of

#: what is wanted of the arguments, by what they say of the data: ``resolution`` as (height, width)
Wanted = Mapping[Role, "int | tuple[int, int]"]


@dataclass(frozen=True, slots=True)
class Found:
    """An argument that says something of the data, with the value it has where the file builds its network."""

    name: str
    role: Role
    value: Any


@dataclass(eq=False)
class Use:
    """What a build did with the arguments: those it had, and those that were given another value."""

    found: list[Found] = field(default_factory=list)
    changed: dict[str, Any] = field(default_factory=dict)

    def roles(self) -> frozenset[Role]:
        """What the arguments say something of."""
        return frozenset(one.role for one in self.found)


@dataclass(frozen=True, slots=True)
class Place:
    """Where what makes a network is looked up: a class's ``__init__``, a function's name in the file's globals.

    Attributes:
        of: the class whose instances are meant, for a constructor.
    """

    holder: Any
    name: str
    made: Callable[..., Any]
    of: type[nn.Module] | None = None

    @contextmanager
    def replaced(self, value: Callable[..., Any]) -> Iterator[None]:
        """While this is open, another callable is found there."""
        table = self.holder if isinstance(self.holder, dict) else vars(self.holder)
        own = self.name in table
        before = table.get(self.name)
        self._put(value)
        try:
            yield
        finally:
            if own:
                self._put(before)
            else:
                delattr(self.holder, self.name)

    def _put(self, value: Any) -> None:
        if isinstance(self.holder, dict):
            self.holder[self.name] = value
        else:
            setattr(self.holder, self.name, value)


def constructors(cls: type[nn.Module]) -> list[Place]:
    """Where the constructors of a class and of its bases are: none for torch's own."""
    places = []
    for base in cls.__mro__:
        if base is nn.Module or base.__module__.startswith("torch.nn."):
            break
        if "__init__" in vars(base):
            places.append(Place(base, "__init__", vars(base)["__init__"], of=cls))
    return places


@contextmanager
def given(places: Sequence[Place], wanted: Wanted, use: Use) -> Iterator[None]:
    """While this is open, the outermost call of what makes the network gets the wanted values for its arguments.

    Args:
        use: is told which arguments there are, and which were changed.
    """
    with ExitStack() as stack:
        for place in places:
            stack.enter_context(place.replaced(_given(place, wanted, use)))
        yield


def _given(place: Place, wanted: Wanted, use: Use) -> Callable[..., Any]:
    depth = 0

    @functools.wraps(place.made)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal depth
        if place.of is not None and type(args[0]) is not place.of:  # another class with the same base
            return place.made(*args, **kwargs)
        if depth == 0:
            args, kwargs = _replaced(place.made, args, kwargs, wanted, use)
        depth += 1
        try:
            return place.made(*args, **kwargs)
        finally:
            depth -= 1

    return call


def _replaced(
    made: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], wanted: Wanted, use: Use
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    try:
        signature = inspect.signature(made)
        bound = signature.bind(*args, **kwargs)
    except (TypeError, ValueError):  # the call itself will say what is wrong with it
        return args, kwargs
    bound.apply_defaults()
    parameters = signature.parameters
    both = _has_both(parameters)
    for name, value in list(bound.arguments.items()):
        kind = parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            continue
        if kind is inspect.Parameter.VAR_KEYWORD:
            bound.arguments[name] = {**value, **_further(made, args, value, parameters, wanted, use)}
        else:
            bound.arguments[name] = _one(name, value, wanted, use, both=both)
    return bound.args, bound.kwargs


def _further(
    made: Callable[..., Any],
    args: tuple[Any, ...],
    handed_on: Mapping[str, Any],
    parameters: Mapping[str, Any],
    wanted: Wanted,
    use: Use,
) -> dict[str, Any]:
    """Arguments handed on by ``**kwargs``: those the file gives, and those that a base class takes by default."""
    values = dict(handed_on)
    for base in type(args[0]).__mro__[1:] if args and isinstance(args[0], nn.Module) else ():
        if base is nn.Module:
            break
        own = vars(base).get("__init__")
        if own is None or own is made:
            continue
        for name, parameter in list(inspect.signature(own).parameters.items())[1:]:
            if name not in parameters and parameter.default is not parameter.empty:
                values.setdefault(name, parameter.default)
    both = _has_both(values)
    changed = {name: _one(name, value, wanted, use, both=both) for name, value in values.items()}
    return {name: value for name, value in changed.items() if name in handed_on or value is not values[name]}


def _one(name: str, value: Any, wanted: Wanted, use: Use, *, both: bool, prefix: str = "") -> Any:
    if not prefix and _is_settings(value):
        return _settings(name, value, wanted, use)
    role = role_of(name)
    if name.lower() in ("width", "w") and not both:
        return value  # of the layers
    if name.lower() in _SHAPES and isinstance(value, tuple | list) and len(value) in (1, 3):
        role = "inputs" if len(value) == 1 else "resolution"
    if role == "inputs" and isinstance(value, tuple | list) and len(value) > 1:
        role = "resolution"  # `input_size=(224, 224)`
    if role is None or not _is_number(value, role):
        return value
    use.found.append(Found(prefix + name, role, value))
    if role not in wanted:
        return value
    new = _as(name, value, wanted[role], wanted)
    if new != value:
        use.changed[prefix + name] = new
    return new


def _has_both(names: Iterable[object]) -> bool:
    """Whether a height goes with the width, so that they are those of an image (else the width is a layer's)."""
    plain = {str(name).lower().replace("image_", "").replace("img_", "") for name in names}
    return bool(plain & {"height", "h"})


_SHAPES = frozenset(["input_shape", "in_shape", "image_shape", "img_shape", "shape", "input_dims"])


def _is_number(value: Any, role: Role) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int) or origin_of(value) is not None:
        return True
    whole = isinstance(value, tuple | list) and len(value) in (1, 2, 3) and all(isinstance(one, int) for one in value)
    return whole and role in ("resolution", "inputs", "patch")


def _as(name: str, value: Any, new: int | tuple[int, int], wanted: Wanted) -> Any:
    """The wanted value in the form that the argument has."""
    if isinstance(new, tuple):
        height, width = new
        if isinstance(value, tuple | list):
            channels = wanted.get("channels", value[0])
            return type(value)({1: (height,), 2: new, 3: (channels, height, width)}[len(value)])
        return width if "w" in name.lower().replace("window", "").split("_")[-1][:1] else height
    return type(value)((new,) * len(value)) if isinstance(value, tuple | list) else new


def _is_settings(value: Any) -> bool:
    """An object made to hold settings: it is copied, and its fields changed."""
    if isinstance(value, type | nn.Module) or callable(value) or origin_of(value) is not None:
        return False
    names = {base.__name__ for base in type(value).__mro__}
    return (
        isinstance(value, argparse.Namespace | dict)
        or dataclasses.is_dataclass(value)
        or bool(names & {"BaseModel", "PretrainedConfig", "PreTrainedConfig", "SimpleNamespace", "DictConfig"})
        or type(value).__name__.endswith(("Config", "Args", "Params", "Settings", "Options", "HParams"))
    )


#: a configuration of transformers has the number of its classes as a property
_PROPERTIES = ("num_labels",)


def _settings(name: str, value: Any, wanted: Wanted, use: Use) -> Any:
    table = value if isinstance(value, dict) else dict(getattr(value, "__dict__", {}))
    if not isinstance(value, dict):
        fields = dataclasses.fields(value) if dataclasses.is_dataclass(value) else ()
        for key in (*_PROPERTIES, *(one.name for one in fields)):
            if hasattr(value, key):
                table.setdefault(key, getattr(value, key))
    both = _has_both(table)
    new = {
        key: _one(key, old, wanted, use, both=both, prefix=f"{name}.")
        for key, old in table.items()
        if isinstance(key, str)
    }
    changes = {key: one for key, one in new.items() if one is not table[key] and one != table[key]}
    if not changes:
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(value, **changes)
    changed = copy.copy(value)
    for key, one in changes.items():
        if isinstance(changed, dict):
            changed[key] = one
        else:
            setattr(changed, key, one)
    return changed

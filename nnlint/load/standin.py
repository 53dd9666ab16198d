"""`StandIn`: an object in the place of something that is not there: a missing module, a data set, a failed value.

It can be looked into, called, subclassed and looped over, so that code which only mentions it goes on. What must not
happen is that a network silently contains one: whoever needs its number, its truth as a tensor or calls it with
tensors gets a `StandInUsed` that says what is missing and where it was asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any, Self

from nnlint.site import Site


@dataclass(frozen=True, slots=True)
class Origin:
    """What a stand-in stands for.

    Attributes:
        kind: ``import``; ``data`` for data sets and loaders, which are not built; ``weights`` for what a file holds.
        name: the module or the callable.
        reason: why it is not there, as a sentence.
        site: the import, or the expression that was not run.
        assumed: what its length is taken for (the number of classes of a known data set), where that may be assumed.
    """

    kind: str
    name: str
    reason: str
    site: Site | None = None
    assumed: int | None = None

    @property
    def message(self) -> str:
        """The sentence for the user."""
        where = f" ({self.site})" if self.site else ""
        return f"{self.name} is needed but {self.reason}{where}"


class StandInUsed(Exception):  # noqa: N818  not an error of the code that runs into it
    """The network needs what the stand-in stands for."""

    def __init__(self, origin: Origin) -> None:
        super().__init__(origin.message)
        self.origin = origin


class UnknownLengthError(StandInUsed, TypeError):
    """Something needs the length. (A `TypeError`, so that ``list`` goes through what is there: nothing.)"""


class NoSuchAttributeError(StandInUsed, AttributeError):
    """Something needs what Python itself gives an object. (An `AttributeError`, so that it can be asked for.)"""


class StandInBase:
    """The base class of classes that inherit from a stand-in: they exist, and cannot be constructed."""

    nnlint_origin: Origin

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Leaves it to the base classes that are there; `object`, the last of them, takes no arguments."""
        following = super().__new__
        return following(cls) if following is object.__new__ else following(cls, *args, **kwargs)

    def __init__(self, *_: Any, **__: Any) -> None:
        raise StandInUsed(type(self).nnlint_origin)

    def __init_subclass__(cls, **_: Any) -> None:
        super().__init_subclass__()


class StandIn:
    """See the module. ``path`` is how it was reached from its origin (``cv2.imread().shape``)."""

    __slots__ = ("__weakref__", "_nnlint_origin", "_nnlint_path")

    def __init__(self, origin: Origin, path: str) -> None:
        object.__setattr__(self, "_nnlint_origin", origin)
        object.__setattr__(self, "_nnlint_path", path)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[type, tuple[Origin, str]]:
        return type(self), (self._nnlint_origin, self._nnlint_path)

    def __repr__(self) -> str:
        return f"<StandIn {self._nnlint_path}>"

    def __getattr__(self, name: str) -> Any:
        if name in StandIn.__slots__:  # of one that was made without `__init__`
            raise AttributeError(name)
        if name.startswith("__") and name.endswith("__"):
            raise NoSuchAttributeError(self._nnlint_origin)
        return StandIn(self._nnlint_origin, f"{self._nnlint_path}.{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        """Nothing is kept."""

    def __delattr__(self, name: str) -> None:
        """Nothing was kept."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Another stand-in; what is being decorated stays what it is."""
        if len(args) == 1 and not kwargs and _is_decorated(args[0], sys._getframe(1).f_locals):
            return args[0]
        called.append(self._nnlint_origin)
        del called[:-1]
        if any(map(_is_tensor, (*args, *kwargs.values()))):
            raise StandInUsed(self._nnlint_origin)
        return StandIn(self._nnlint_origin, f"{self._nnlint_path}()")

    def __getitem__(self, key: Any) -> Any:
        return StandIn(self._nnlint_origin, f"{self._nnlint_path}[]")

    def __setitem__(self, key: Any, value: Any) -> None:
        """Nothing is kept."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        if self._nnlint_origin.assumed is not None:
            assumed = int(self._nnlint_origin.assumed)
            used.append(f"len({self._nnlint_path})={assumed}, for {self._nnlint_origin.reason}")
            return assumed
        if self._nnlint_origin.kind == "weights":  # `for key in list(state_dict)` has nothing to do
            raise UnknownLengthError(self._nnlint_origin)
        raise StandInUsed(self._nnlint_origin)

    def __contains__(self, item: Any) -> bool:
        return False

    def __bool__(self) -> bool:
        return False

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        if self._nnlint_path.endswith(".LightningModule"):
            from nnlint.load.lightning import LightningModule

            return (LightningModule,)
        return (type("StandInBase", (StandInBase,), {"nnlint_origin": self._nnlint_origin}),)

    def __instancecheck__(self, instance: Any) -> bool:
        return False

    def __subclasscheck__(self, subclass: type) -> bool:
        return False

    def _nnlint_use(self, *_: Any) -> Any:
        raise StandInUsed(self._nnlint_origin)

    __int__ = __float__ = __index__ = __complex__ = __round__ = __fspath__ = __array__ = _nnlint_use
    __lt__ = __le__ = __gt__ = __ge__ = _nnlint_use

    def _nnlint_combine(self, *_: Any) -> Any:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _nnlint_combine
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __neg__ = __pos__ = _nnlint_combine
    __matmul__ = __rmatmul__ = __or__ = __ror__ = __and__ = __rand__ = __xor__ = __invert__ = _nnlint_combine


#: what the stand-in called last stands for
called: list[Origin] = []
#: what was assumed of lengths that were asked for since the list was last cleared
used: list[str] = []


def origin_of(value: Any) -> Origin | None:
    """What a stand-in (or a class that inherits from one) stands for; None for anything else."""
    if isinstance(value, StandIn):
        return value._nnlint_origin  # type: ignore[no-any-return]
    if isinstance(value, type) and issubclass(value, StandInBase):
        return value.nnlint_origin
    return None


def _is_decorated(value: Any, names: dict[str, Any]) -> bool:
    """Whether a function or class is just being decorated: it exists, but its name is not bound yet."""
    if not isinstance(value, FunctionType | type) or value.__name__ == "<lambda>":
        return False
    return value.__module__ == names.get("__name__", names.get("__module__")) and names.get(value.__name__) is not value


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def needed_in_forward(module: Any) -> Origin | None:
    """The origin of a stand-in that a module holds and its ``forward`` names: it would have been a layer.

    Follows ``forward`` into the other methods it names.
    """
    held = {name: origin for name, value in vars(module).items() if (origin := origin_of(value)) is not None}
    if not held:
        return None
    seen: set[str] = set()
    queue = ["forward"]
    while queue:
        name = queue.pop()
        code = getattr(getattr(type(module), name, None), "__code__", None)
        if name in seen or not isinstance(code, CodeType):
            continue
        seen.add(name)
        for other in code.co_names:
            if other in held:
                return held[other]
            queue.append(other)
    return None

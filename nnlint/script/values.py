"""What a variable may hold while a script is followed, as far as it matters to networks and their training.

Every value is certain: where a name could hold two things (`join`), what remains is what both have in common.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nnlint.site import Fact

if TYPE_CHECKING:
    from nnlint.script.scopes import Scope
    from nnlint.script.state import Frame

Ids = frozenset[int]
NONE: Ids = frozenset()


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything else. ``name`` is what the source calls it; ``sources`` are the loaders its data came from.

    ``part`` says which part of their batches it is, unchanged: ``()`` a whole batch, ``(1,)`` its second element; None
    for anything that was computed.
    """

    name: str = ""
    sources: Ids = NONE
    part: tuple[int | str, ...] | None = None

    def at(self, key: int | str) -> Unknown:
        """An element of it."""
        return Unknown("", self.sources, None if self.part is None else (*self.part, key))


@dataclass(frozen=True, slots=True)
class Known:
    """A plain constant and the expression that states it."""

    value: Any
    node: ast.AST

    def __hash__(self) -> int:
        return hash(self.node)


@dataclass(frozen=True, slots=True)
class Dotted:
    """Something imported (or built in), by its dotted name."""

    path: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function or lambda of the file, with the frame it was defined in and the object it is bound to."""

    scope: Scope
    frame: Frame | None = None
    bound: Value | None = None


@dataclass(frozen=True, slots=True)
class ClassObject:
    """A class of the file."""

    scope: Scope


@dataclass(eq=False, slots=True)
class Instance:
    """An object of a class of the file that is no network, and its attributes."""

    scope: Scope
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Net:
    """A network, by the variable that holds it; ``scope`` is its class where the file defines it."""

    name: str
    scope: Scope | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """A module of torch without parameters (``nn.Sigmoid()``), or a function of tensors that is held as a value."""

    name: str
    node: ast.Call


@dataclass(frozen=True, slots=True)
class StepTaken:
    """One call applied to a network's output."""

    name: str
    node: ast.AST
    arguments: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """What a network computed, or a part of it, and the calls applied to it since."""

    network: str
    path: tuple[int | str, ...] = ()
    steps: tuple[StepTaken, ...] = ()
    sources: Ids = NONE


@dataclass(frozen=True, slots=True)
class LossMaker:
    """A loss module: ``nn.BCELoss(reduction="sum")``."""

    name: str
    node: ast.Call
    arguments: tuple[tuple[str, Fact[Any]], ...] = ()


@dataclass(frozen=True, slots=True)
class LossValue:
    """A number (or tensor) that losses were combined into."""

    losses: Ids
    sources: Ids = NONE


@dataclass(frozen=True, slots=True)
class Loaders:
    """A data loader, or one of several."""

    ids: Ids


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of networks, as an optimiser is given them."""

    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OptimizerObject:
    """An optimiser, by its number in the record."""

    id: int


@dataclass(frozen=True, slots=True)
class Scheduler:
    """A learning-rate scheduler, by its number in the record."""

    id: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """A tuple or list; ``open`` if it may have more (or fewer) elements like those."""

    items: tuple[Value, ...]
    open: bool = False
    #: the loaders whose batches it goes through: ``enumerate(loader)``
    over: Ids = frozenset()


@dataclass(eq=False, slots=True)
class Space:
    """A dict or a namespace: entries by key. ``node`` made it; ``program`` marks a parser of command-line options."""

    entries: dict[Any, Value] = field(default_factory=dict)
    parser: bool = False


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor the source makes; ``shape`` is None where it is not stated."""

    shape: tuple[int, ...] | None
    dtype: str = "float32"
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What a call of an imported class or function returned, with its evaluated arguments."""

    path: str
    node: ast.Call
    args: tuple[Value, ...] = ()
    kwargs: tuple[tuple[str, Value], ...] = ()
    sources: Ids = NONE

    def argument(self, name: str, position: int | None = None) -> Value | None:
        """An argument by keyword or position."""
        for key, value in self.kwargs:
            if key == name:
                return value
        return self.args[position] if position is not None and position < len(self.args) else None


Value = (
    Unknown
    | Known
    | Dotted
    | Function
    | ClassObject
    | Instance
    | Net
    | Layer
    | Output
    | LossMaker
    | LossValue
    | Loaders
    | Parameters
    | OptimizerObject
    | Scheduler
    | Sequence
    | Space
    | Tensor
    | Made
)
UNKNOWN = Unknown()


def sources_of(*values: Value) -> Ids:
    """The loaders any of the values got its data from."""
    found: set[int] = set()
    for value in values:
        if isinstance(value, Unknown | Output | LossValue | Made):
            found |= value.sources
        elif isinstance(value, Sequence):
            found |= sources_of(*value.items)
        elif isinstance(value, Space) and not value.parser:
            found |= sources_of(*(entry for entry in value.entries.values() if not isinstance(entry, Space)))
    return frozenset(found)


def batches_of(value: Value) -> Ids:
    """The loaders that a loop over the value takes its batches from."""
    if isinstance(value, Loaders):
        return value.ids
    return value.over if isinstance(value, Sequence) else frozenset()


def losses_of(*values: Value) -> Ids:
    """The losses that the values are made of."""
    found: set[int] = set()
    for value in values:
        if isinstance(value, LossValue):
            found |= value.losses
        elif isinstance(value, Sequence):
            found |= losses_of(*value.items)
        elif isinstance(value, Space) and not value.parser:
            found |= losses_of(*(entry for entry in value.entries.values() if not isinstance(entry, Space)))
    return frozenset(found)


def names_of(base: Value) -> tuple[str, ...]:
    """What the networks are called that a value, or the parameters it holds, belong to."""
    if isinstance(base, Parameters):
        return base.networks
    return (base.name,) if isinstance(base, Net | Unknown) and base.name else ()


def is_none(value: Value | None) -> bool:
    """Whether a value is the constant None."""
    return isinstance(value, Known) and value.value is None


def plain_value(value: Value) -> tuple[Any] | None:
    """The Python value of a constant, or a tuple of them (in a tuple of one); None for anything else."""
    if isinstance(value, Known):
        return (value.value,)
    if isinstance(value, Sequence) and not value.open:
        items = [plain_value(item) for item in value.items]
        if all(item is not None for item in items):
            return (tuple(item[0] for item in items if item is not None),)
    return None


def join(first: Value | None, second: Value | None) -> Value:
    """What is certain of a name that holds one value or the other (None: it may not be bound at all)."""
    if first is None or second is None or first == second:
        return _first_certain(first, second)
    for one, other in ((first, second), (second, first)):
        kept = _keep(one, other)
        if kept is not None:
            return kept
    name = (
        first.name if isinstance(first, Unknown) and isinstance(second, Unknown) and first.name == second.name else ""
    )
    return Unknown(name, sources_of(first, second))


def _first_certain(first: Value | None, second: Value | None) -> Value:
    if first is None:
        return second if second is not None else UNKNOWN
    return first


def _keep(one: Value, other: Value) -> Value | None:
    """What remains of ``one`` when the name may hold ``other`` instead; None where that decides nothing."""
    kept: Value | None = None
    match one, other:
        case Known(), Known() if type(one.value) is type(other.value) and one.value == other.value:
            kept = one
        case LossValue(), LossValue():
            kept = LossValue(one.losses | other.losses, one.sources | other.sources)
        case LossValue(), _:
            kept = LossValue(one.losses, one.sources | sources_of(other))
        case Loaders(), Loaders():
            kept = Loaders(one.ids | other.ids)
        case Net(), Net() if one.name == other.name:
            kept = Net(one.name)
        case Sequence(), Sequence() if len(one.items) == len(other.items):
            pairs = zip(one.items, other.items, strict=True)
            kept = Sequence(tuple(join(a, b) for a, b in pairs), one.open or other.open, one.over | other.over)
        case (Net() | Loaders() | OptimizerObject() | Scheduler() | LossMaker() | Parameters(), _) if is_none(other):
            kept = one  # `model = None`, then filled in: whatever uses it needs it filled
    return kept


def join_all(values: Iterable[Value]) -> Value:
    """What is certain of a name that holds any one of the values."""
    found: Value | None = None
    for value in values:
        found = value if found is None else join(found, value)
    return UNKNOWN if found is None else found


def widen(value: Value) -> Value:
    """What is certain of a variable that a loop's earlier rounds may have changed."""
    if isinstance(value, Known | Tensor | Made):
        return UNKNOWN
    if isinstance(value, Output):
        return Unknown("", value.sources)
    return value


def elements(value: Value) -> Iterator[Value]:
    """The values a sequence or dict holds, nested ones included."""
    if isinstance(value, Sequence):
        for item in value.items:
            yield item
            yield from elements(item)
    elif isinstance(value, Space) and not value.parser:
        for item in list(value.entries.values()):
            yield item
            if not isinstance(item, Space):
                yield from elements(item)

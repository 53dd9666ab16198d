"""In which mode a network is when it is called: `train()` and `eval()` followed through branches, loops and functions.

What is known of a network at some point is the set of calls that may have set its mode last. A loop adds a mark that
stands for the end of its own previous round; the marks are resolved when the whole file has been followed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from nnlint.recipe import Call, Pass, Purpose, Role
from nnlint.script.record import role_named
from nnlint.script.spans import Spans
from nnlint.script.values import Ids
from nnlint.site import Site

#: what set the mode last: the construction, a call, the previous round of a loop, or something unknown
Source = tuple[Literal["made", "train", "eval", "round", "unknown"], int]
Sources = frozenset[Source]
State = dict[str, Sources]

_UNKNOWN: Sources = frozenset({("unknown", 0)})
_MADE: Sources = frozenset({("made", 0)})
_DATA = re.compile(r"loader|(^|[_.])(dl|batches|iterator|iter)\b|dataset", re.IGNORECASE)
#: constructions after which the mode is not the usual one
_OTHERWISE = re.compile(r"from_pretrained|\.eval\(|\.train\(|load|deepcopy|copy\(")


@dataclass(frozen=True, slots=True)
class Round:
    """A loop around a call: its node, the loaders it goes over, and what it goes over as the source writes it."""

    node: ast.stmt
    loaders: Ids
    over: str

    @property
    def has_batches(self) -> bool:
        """Whether the loop goes over batches of data."""
        return bool(self.loaders) or bool(_DATA.search(self.over))


@dataclass(frozen=True, slots=True)
class Called:
    """A call of a network, or of its `train()` or `eval()`, with the loops around it."""

    network: str
    node: ast.Call
    rounds: tuple[Round, ...]
    grad: bool = True
    sources: Sources = _UNKNOWN

    @property
    def over_data(self) -> Round | None:
        """The innermost loop over data around it."""
        return next((found for found in reversed(self.rounds) if found.has_batches), None)


@dataclass(eq=False, slots=True)
class Modes:
    """The modes of all networks at the current statement, and the calls of networks seen so far."""

    now: State = field(default_factory=dict)
    ends: dict[int, list[State]] = field(default_factory=dict)
    setters: dict[int, Called] = field(default_factory=dict)
    calls: list[Called] = field(default_factory=list)
    #: loops around a `backward()`
    trained: set[int] = field(default_factory=set)
    #: states in which the functions being followed return, and the loops being followed are left
    returns: list[list[State]] = field(default_factory=list)
    breaks: list[list[State]] = field(default_factory=list)

    # -- while the script is followed

    def made(self, network: str, origin: ast.expr | None) -> None:
        """A network is made: modules are in training mode then, but for those that a library loads."""
        usual = origin is not None and not _OTHERWISE.search(ast.unparse(origin))
        self.now[network] = _MADE if usual else _UNKNOWN

    def set(self, network: str, kind: Literal["train", "eval"], node: ast.Call, rounds: tuple[Round, ...]) -> None:
        """`train()` or `eval()` is called."""
        self.now[network] = frozenset({(kind, id(node))})
        self.setters.setdefault(id(node), Called(network, node, rounds))

    def forget(self, network: str) -> None:
        """Something may have changed the mode."""
        self.now[network] = _UNKNOWN

    def forget_all(self) -> None:
        """Something may have changed any mode."""
        self.now = dict.fromkeys(self.now, _UNKNOWN)

    def call(self, network: str, node: ast.Call, rounds: tuple[Round, ...], *, grad: bool) -> None:
        """A network is called."""
        self.calls.append(Called(network, node, rounds, grad, self.now.get(network, _UNKNOWN)))

    def backward(self, loops: Iterable[ast.stmt]) -> None:
        """`backward()` is called within these loops."""
        self.trained.update(map(id, loops))

    def enter_loop(self, node: ast.stmt) -> None:
        """A loop begins."""
        self.now = {name: sources | {("round", id(node))} for name, sources in self.now.items()}
        self.breaks.append([])

    def leave_loop(self, node: ast.stmt) -> None:
        """A loop has come to the end of its body."""
        self.ends.setdefault(id(node), []).append(dict(self.now))
        self.now = merged([self.now, *self.breaks.pop()])

    def leave_function(self, before: State) -> State:
        """A function ends; what it did to the modes."""
        self.now = merged([self.now, *self.returns.pop()])
        return {name: sources for name, sources in self.now.items() if before.get(name) != sources}

    def again(self, effect: State) -> None:
        """A function whose effect is known is called once more."""
        self.now |= effect

    # -- afterwards

    def passes(self, roles: Mapping[int, Role | None], loaded: frozenset[str], spans: Spans) -> tuple[Pass, ...]:
        """The calls whose purpose is known."""
        purposes = [(called, self._purpose(called, roles)) for called in self.calls]
        trained = [called for called, purpose in purposes if purpose == "train"]
        evaluated = [called for called, purpose in purposes if purpose == "evaluate"]
        found: list[Pass] = []
        for called, purpose in purposes:
            if purpose == "train":
                found.append(self._training(called, evaluated, spans))
            elif purpose == "evaluate":
                found.append(self._evaluation(called, trained, loaded, spans))
        once = [item for index, item in enumerate(found) if item not in found[:index]]
        return tuple(sorted(once, key=lambda item: item.site))

    def _purpose(self, called: Called, roles: Mapping[int, Role | None]) -> Purpose | None:
        loop = called.over_data or (called.rounds[-1] if called.rounds else None)
        if loop is not None and id(loop.node) in self.trained:
            if called.grad:
                return "train"
            return "evaluate" if called.over_data is None and _names_held_out(called.node) else None
        if called.over_data is not None:
            of_loaders = {roles.get(index) for index in called.over_data.loaders} or {role_named(called.over_data.over)}
            if of_loaders <= {"val", "test"}:
                return "evaluate"
            return "evaluate" if not called.grad and "train" not in of_loaders else None
        return "evaluate" if not called.grad and _names_held_out(called.node) else None

    def _training(self, called: Called, evaluated: list[Called], spans: Spans) -> Pass:
        cause = self._left_in_evaluation(called, evaluated)
        common = _common(cause.rounds, called.rounds) if cause is not None else None
        return Pass(
            called.network,
            spans.of(called.node),
            "train",
            expression=ast.unparse(called.node.func),
            loop=_header(called, spans),
            mode="eval" if cause is not None else None,
            set_by=spans.of(cause.node) if cause is not None else None,
            resumes=_beginning(called, common, spans) if cause is not None else None,
        )

    def _left_in_evaluation(self, called: Called, evaluated: list[Called]) -> Called | None:
        """The `eval()` that serves an evaluation and is in force in this training, with no `train()` between."""
        sources = self._resolved(called.sources, called.network)
        if ("unknown", 0) in sources:
            return None
        used = {s for other in evaluated if other.network == called.network for s in self._of(other)}
        for kind, key in sorted(sources):
            if kind != "eval" or (kind, key) not in used:
                continue
            common = _common(self.setters[key].rounds, called.rounds)
            if common is None and {name for name, _ in sources} == {"eval"}:
                return self.setters[key]
            if common is not None and not self._trains_within(sources, common):
                return self.setters[key]
        return None

    def _trains_within(self, sources: Sources, loop: Round) -> bool:
        setters = [self.setters[key] for kind, key in sources if kind == "train"]
        return any(found.node is loop.node for setter in setters for found in setter.rounds)

    def _evaluation(self, called: Called, trained: list[Called], loaded: frozenset[str], spans: Spans) -> Pass:
        sources = self._of(called)
        own = [other for other in trained if other.network == called.network]
        wanted = {s for other in own for s in self._of(other)}
        explicit = {s for s in sources if s[0] == "train"}
        certain = {name for name, _ in sources} <= {"train", "made"} and explicit <= wanted
        certain = certain and bool(own or called.network in loaded)
        setter = next((self.setters[key] for _, key in sorted(explicit)), None)
        resumed = self._resumed(called, own) if certain else None
        return Pass(
            called.network,
            spans.of(called.node),
            "evaluate",
            expression=ast.unparse(called.node.func),
            loop=_header(called, spans),
            grad=called.grad,
            mode="train" if certain else None,
            set_by=spans.of(setter.node) if certain and setter is not None else None,
            resumes=_beginning(resumed, _common(called.rounds, resumed.rounds), spans) if resumed else None,
        )

    def _resumed(self, called: Called, own: list[Called]) -> Called | None:
        """The training that goes on after this evaluation, if nothing puts the network back into training mode."""
        for other in own:
            common = _common(called.rounds, other.rounds)
            if common is not None and not self._trains_within(self._of(other), common):
                return other
        return None

    def _of(self, called: Called) -> Sources:
        return self._resolved(called.sources, called.network)

    def _resolved(self, sources: Sources, network: str) -> Sources:
        """The calls that the marks of loops stand for."""
        found: set[Source] = set()
        queue, seen = list(sources), set(sources)
        while queue:
            source = queue.pop()
            if source[0] != "round":
                found.add(source)
                continue
            for end in self.ends.get(source[1], ()):
                fresh = end.get(network, _UNKNOWN) - seen
                seen |= fresh
                queue += fresh
        return frozenset(found)


def merged(states: list[State]) -> State:
    """What is known after any one of several ways."""
    if len(states) == 1:
        return dict(states[0])
    names = dict.fromkeys(name for state in states for name in state)
    return {name: frozenset().union(*(state.get(name, _UNKNOWN) for state in states)) for name in names}


def _common(first: tuple[Round, ...], other: tuple[Round, ...]) -> Round | None:
    """The innermost loop around both."""
    nodes = {id(found.node) for found in other}
    return next((found for found in reversed(first) if id(found.node) in nodes), None)


def _beginning(called: Called, common: Round | None, spans: Spans) -> Call:
    """Where a training begins within the loop around it and an evaluation: at its own loop, or at the call itself."""
    inside = called.rounds
    if common is not None:
        at = next(index for index, found in enumerate(inside) if found.node is common.node)
        inside = inside[at + 1 :]
    site = spans.header(inside[0].node) if inside else spans.of(called.node)
    return Call(ast.unparse(called.node.func), site)


def _header(called: Called, spans: Spans) -> Site | None:
    return spans.header(called.over_data.node) if called.over_data is not None else None


def _names_held_out(node: ast.Call) -> bool:
    """Whether all that a network is given is called after validation or testing."""
    given = [arg.id for arg in node.args if isinstance(arg, ast.Name)]
    return bool(given) and len(given) == len(node.args) and all(role_named(name) in {"val", "test"} for name in given)

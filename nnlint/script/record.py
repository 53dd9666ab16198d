"""What the following of a script has found, gathered by syntax node, and the `Recipe` it amounts to.

A function may be followed several times with different arguments; every fact is kept once.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nnlint.recipe import Call, DataSet, Forward, Loader, Loss, Optimizer, ParamGroup, Recipe, Role, Scheduler, Step
from nnlint.script.model import InputHint
from nnlint.script.spans import Spans
from nnlint.script.values import Ids, Output, StepTaken, Tensor, Unknown, Value
from nnlint.site import Fact, Site

_VALIDATION = re.compile(r"(^|[^a-z])(val|valid|validation|dev|eval)([^a-z]|$)", re.IGNORECASE)
_TEST = re.compile(r"(^|[^a-z])(test|testing|tst|predict|inference)([^a-z]|$)", re.IGNORECASE)
_TRAIN = re.compile(r"(^|[^a-z])(train|training|trn|tr)([^a-z]|$)", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|_|(?<=train)(?=l)|(?<=test)(?=l)|(?<=val)(?=l)|(?<=valid)(?=l)")


@dataclass(eq=False, slots=True)
class LossRecord:
    """A call that applies a loss, with what it was seen to judge."""

    name: str
    maker: ast.AST
    call: ast.Call
    arguments: tuple[tuple[str, Fact[Any]], ...]
    output: Output | None
    targets: ast.expr | None
    #: what the target was when the loss was applied; None where that was not always the same
    target: Value | None = None
    backward: bool = False
    combined: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two records the same."""
        seen = self.output
        what = (seen.network, seen.path, seen.steps) if seen else None
        return (id(self.call), self.name, id(self.maker), what)


@dataclass(eq=False, slots=True)
class LoaderRecord:
    """A loader, and everything that tells its role."""

    node: ast.Call
    facts: dict[str, Fact[Any]]
    unread: tuple[str, ...] = ()
    name: str = ""
    variable: str = ""
    trained: bool = False  # its batches certainly reach backward()
    maybe_trained: bool = False  # … on a branch, or as one of several loaders
    evaluated: bool = False  # it is looped over without gradients
    given: Role | None = None  # handed to a trainer as such


@dataclass(eq=False, slots=True)
class OptimizerRecord:
    """An optimiser."""

    name: str
    node: ast.Call
    arguments: dict[str, Fact[Any]]
    networks: tuple[str, ...]
    variable: str = ""
    path: str = ""
    groups: list[GroupRecord] = field(default_factory=list)
    complete: bool = False
    unread: tuple[str, ...] = ()


@dataclass(eq=False, slots=True)
class GroupRecord:
    """One of the groups of parameters an optimiser is given."""

    node: ast.Call
    arguments: dict[str, Fact[Any]]
    networks: tuple[str, ...]
    unread: tuple[str, ...]


@dataclass(eq=False, slots=True)
class SchedulerRecord:
    """A learning-rate scheduler, and the number of the optimiser it schedules."""

    path: str
    node: ast.Call
    optimizer: int
    arguments: dict[str, Fact[Any]]
    variable: str = ""


@dataclass(eq=False, slots=True)
class ForwardRecord:
    """A call of a network; ``grad`` is False where no run of the call records gradients."""

    network: str
    node: ast.Call
    grad: bool
    sources: tuple[str, ...]


@dataclass(eq=False, slots=True)
class Record:
    """Everything found so far."""

    spans: Spans
    losses: list[LossRecord] = field(default_factory=list)
    loaders: list[LoaderRecord] = field(default_factory=list)
    optimizers: list[OptimizerRecord] = field(default_factory=list)
    schedulers: list[SchedulerRecord] = field(default_factory=list)
    forwards: dict[tuple[int, str], ForwardRecord] = field(default_factory=dict)
    calls: dict[str, dict[int, Call]] = field(default_factory=dict)
    flags: dict[str, list[Fact[Any] | None]] = field(default_factory=dict)
    epochs: dict[tuple[int, int], Fact[int]] = field(default_factory=dict)
    accumulation: Fact[str] | None = None
    framework: Fact[str] | None = None
    hints: dict[tuple[str, Site], InputHint] = field(default_factory=dict)
    #: calls that made objects whose attributes are set elsewhere: ``train_data.targets = …``
    changed: set[Site] = field(default_factory=set)
    _loss_ids: dict[tuple[object, ...], int] = field(default_factory=dict)
    _made: dict[int, int] = field(default_factory=dict)

    def loss(self, found: LossRecord) -> int:
        """Adds a loss, or finds the same one; its number."""
        if found.key not in self._loss_ids:
            self._loss_ids[found.key] = len(self.losses)
            self.losses.append(found)
        known = self.losses[self._loss_ids[found.key]]
        known.target = _either(known.target, found.target)
        return self._loss_ids[found.key]

    def combine(self, losses: Ids) -> None:
        """Notes that something is calculated with these losses."""
        for index in losses:
            self.losses[index].combined = True

    def loader(self, node: ast.Call, facts: dict[str, Fact[Any]], unread: tuple[str, ...], name: str = "") -> int:
        """Adds a loader, or finds the same one; its number. A fact that differs between two runs is dropped."""
        if id(node) not in self._made:
            self._made[id(node)] = len(self.loaders)
            self.loaders.append(LoaderRecord(node, facts, unread, name))
        else:
            known = self.loaders[self._made[id(node)]]
            dropped = _agree(known.facts, facts)
            known.unread = tuple(dict.fromkeys((*known.unread, *unread, *dropped)))
        return self._made[id(node)]

    def optimizer(self, found: OptimizerRecord) -> int:
        """Adds an optimiser, or finds the same one; its number."""
        if id(found.node) not in self._made:
            self._made[id(found.node)] = len(self.optimizers)
            self.optimizers.append(found)
        else:
            known = self.optimizers[self._made[id(found.node)]]
            dropped = _agree(known.arguments, found.arguments)
            known.networks = tuple(dict.fromkeys(known.networks + found.networks))
            known.unread = tuple(dict.fromkeys((*known.unread, *found.unread, *dropped)))
            known.complete = known.complete and found.complete
            _agree_on_groups(known, found)
        return self._made[id(found.node)]

    def scheduler(self, found: SchedulerRecord) -> int:
        """Adds a scheduler, or finds the same one; its number."""
        if id(found.node) not in self._made:
            self._made[id(found.node)] = len(self.schedulers)
            self.schedulers.append(found)
        else:
            _agree(self.schedulers[self._made[id(found.node)]].arguments, found.arguments)
        return self._made[id(found.node)]

    def forward(self, found: ForwardRecord) -> None:
        """Adds a call of a network, once for every network it may be."""
        known = self.forwards.setdefault((id(found.node), found.network), found)
        known.grad = known.grad or found.grad
        known.sources = tuple(dict.fromkeys(known.sources + found.sources))

    def call(self, kind: str, node: ast.AST, call: Call) -> None:
        """Adds a call of a kind (``backwards``, ``evals`` …), once a node."""
        self.calls.setdefault(kind, {}).setdefault(id(node), call)

    def flag(self, name: str, fact: Fact[Any] | None) -> None:
        """Adds a flag that is set; None where it is set to something that is not known."""
        self.flags.setdefault(name, []).append(fact)

    def backward(self, losses: Ids, sources: Ids, *, certain: bool) -> None:
        """Notes that these losses, computed from these loaders' batches, reach ``backward()``."""
        for index in losses:
            self.losses[index].backward = True
        for index in sources:
            if certain and len(sources) == 1:
                self.loaders[index].trained = True
            else:
                self.loaders[index].maybe_trained = True

    def recipe(self, file: str) -> Recipe:
        """The recipe that all this amounts to."""
        return Recipe(
            file=file,
            losses=self._losses(),
            optimizers=tuple(self._optimizer(found) for found in self.optimizers),
            loaders=tuple(self._loader(found) for found in self.loaders),
            epochs=self._epochs(),
            trains=self._calls("trains"),
            evals=self._calls("evals"),
            zero_grads=self._calls("zero_grads"),
            backwards=self._calls("backwards"),
            steps=self._calls("steps"),
            scheduler_steps=self._calls("scheduler_steps"),
            no_grads=self._calls("no_grads"),
            device_moves=self._calls("device_moves"),
            seeds=self._calls("seeds"),
            draws=self._calls("draws"),
            flags=self._flags(),
            unread_flags=tuple(name for name in self.flags if name not in self._flags()),
            schedulers=tuple(self._scheduler(found) for found in self.schedulers),
            forwards=tuple(
                Forward(found.network, self.spans.of(found.node), found.grad, found.sources)
                for found in self.forwards.values()
            ),
            kept_graphs=self._calls("kept_graphs"),
            clips=self._calls("clips"),
            handed=self._calls("handed"),
            wraps=self._calls("wraps"),
            held_fixed=self._calls("held_fixed"),
            loaded=self._calls("loaded"),
            accumulation=self.accumulation,
            framework=self.framework,
        )

    def _calls(self, kind: str) -> tuple[Call, ...]:
        return tuple(sorted(self.calls.get(kind, {}).values(), key=lambda call: call.site))

    def _losses(self) -> tuple[Loss, ...]:
        followed = {id(found.call) for found in self.losses if found.output is not None}
        kept = [found for found in self.losses if found.output is not None or id(found.call) not in followed]
        return tuple(sorted((self._loss(found) for found in kept), key=lambda loss: (loss.call_site, loss.site)))

    def _loss(self, found: LossRecord) -> Loss:
        output = found.output
        return Loss(
            name=found.name,
            site=self.spans.of(found.maker),
            call_site=self.spans.of(found.call),
            network=output.network if output else None,
            output=output.path if output else (),
            steps=tuple(self._step(step) for step in output.steps) if output else (),
            arguments=dict(found.arguments),
            targets=self.spans.fact(ast.unparse(found.targets), found.targets) if found.targets is not None else None,
            backward=found.backward,
            target_shape=found.target.shape if isinstance(found.target, Tensor) else None,
            target_part=found.target.part if isinstance(found.target, Unknown) else None,
            combined=found.combined,
            loaders=tuple(sorted(found.target.sources)) if isinstance(found.target, Unknown) else (),
        )

    def _step(self, step: StepTaken) -> Step:
        return Step(step.name, self.spans.of(step.node), dict(step.arguments))

    def _optimizer(self, found: OptimizerRecord) -> Optimizer:
        return Optimizer(
            found.name,
            self.spans.of(found.node),
            found.variable,
            found.arguments,
            found.networks,
            found.path,
            tuple(
                ParamGroup(self.spans.of(group.node), group.arguments, group.networks, group.unread)
                for group in found.groups
            ),
            found.complete,
            found.unread,
        )

    def _scheduler(self, found: SchedulerRecord) -> Scheduler:
        optimizer = self.optimizers[found.optimizer].variable
        return Scheduler(found.path, self.spans.of(found.node), found.variable, optimizer, found.arguments)

    def _loader(self, found: LoaderRecord) -> Loader:
        facts: dict[str, Any] = dict(found.facts)
        data: Fact[DataSet] | None = facts.get("data")
        if data is not None and data.value.site in self.changed:
            facts["data"] = Fact(replace(data.value, changed=True), data.site)
        return Loader(
            self.spans.of(found.node), found.variable, _role(found), **facts, name=found.name, unread=found.unread
        )

    def _epochs(self) -> Fact[int] | None:
        found = list(self.epochs.values())
        return found[0] if len({fact.value for fact in found}) == 1 else None

    def _flags(self) -> Mapping[str, Fact[Any]]:
        certain = {}
        for name, facts in self.flags.items():
            values = {repr(fact.value) if fact else None for fact in facts}
            if len(values) == 1 and facts[0] is not None:
                certain[name] = facts[0]
        return certain


def _either(one: Value | None, other: Value | None) -> Value | None:
    """What is certain of the target of a loss that is applied in two runs."""
    if isinstance(one, Unknown) and isinstance(other, Unknown) and one.part == other.part:
        return Unknown("", one.sources | other.sources, one.part)
    return one if one == other else None


def _agree(known: dict[str, Fact[Any]], other: Mapping[str, Fact[Any]]) -> list[str]:
    """Drops the facts that another run of the same call does not state the same way; their names."""
    dropped = [name for name in known if name not in other or other[name].value != known[name].value]
    for name in dropped:
        del known[name]
    return [*dropped, *(name for name in other if name not in known)]


def _agree_on_groups(known: OptimizerRecord, other: OptimizerRecord) -> None:
    """Of the groups that two runs of a call give an optimiser, what is certain of both."""
    if len(known.groups) != len(other.groups):
        known.groups, known.complete = [], False
        known.unread = tuple(dict.fromkeys((*known.unread, "**")))
        return
    for one, two in zip(known.groups, other.groups, strict=True):
        one.unread = tuple(dict.fromkeys((*one.unread, *two.unread, *_agree(one.arguments, two.arguments))))
        one.networks = tuple(dict.fromkeys(one.networks + two.networks))


def _role(found: LoaderRecord) -> Role | None:
    named = role_named(found.variable)
    if found.trained:
        return "train"
    if found.given is not None:
        return found.given
    if found.maybe_trained and named in {None, "train"}:
        return "train"
    if named is None and found.evaluated:
        return "val"
    return named


def role_named(name: str) -> Role | None:
    """The role that a loader's name tells, if it tells one (and one only)."""
    words = _CAMEL.sub("_", name)
    roles: list[Role] = []
    if _TRAIN.search(words):
        roles.append("train")
    if _VALIDATION.search(words):
        roles.append("val")
    if _TEST.search(words):
        roles.append("test")
    return roles[0] if len(roles) == 1 else None

"""What a variable, attribute or entry holds after an assignment."""

from __future__ import annotations

import ast
from dataclasses import replace

from nnlint.script.notes import Notes
from nnlint.script.state import Frame
from nnlint.script.values import (
    UNKNOWN,
    ClassObject,
    Dotted,
    Instance,
    Known,
    Loaders,
    LossValue,
    Made,
    Net,
    OptimizerObject,
    Output,
    Scheduler,
    Sequence,
    Space,
    StepTaken,
    Unknown,
    Value,
    elements,
    is_none,
    join,
    join_all,
    names_of,
    plain_value,
    sources_of,
)

_EXAMPLES = frozenset({"example_input_array", "example_inputs", "example_input"})


class Assigner(Notes):
    """Binds targets."""

    def assign(self, target: ast.expr, value: Value, origin: ast.expr | None) -> Value:
        """Binds a target; the value as it is called from then on."""
        match target:
            case ast.Name():
                if target.id in _EXAMPLES:
                    self._note_example(target, value)
                return self.bind(target.id, self._named(value, target, origin))
            case ast.Attribute():
                return self._set_attribute(target, self._named(value, target, origin))
            case ast.Subscript():
                self._set_item(target, value)
            case ast.Tuple() | ast.List():
                self._unpack(target.elts, value, target, origin)
            case ast.Starred():
                return self.assign(target.value, Sequence((UNKNOWN,), open=True), None)
        return value

    def bind(self, name: str, value: Value) -> Value:
        """Binds a variable in the frame that owns it."""
        frame = self.frame
        if name in frame.scope.outer:
            owner = self._owner(name)
            owner.variables[name] = join(owner.variables.get(name), value)
            return value
        frame.variables[name] = value
        return value

    def _owner(self, name: str) -> Frame:
        frame = self.frame.above
        while frame is not None and frame.above is not None:
            if name in frame.variables and not frame.scope.is_class:
                return frame
            frame = frame.above
        return self.module

    def _named(self, value: Value, target: ast.Name | ast.Attribute, origin: ast.expr | None) -> Value:
        """The value by the name it is now bound to, if it had none: networks, loaders and optimisers."""
        label = ast.unparse(target)
        if isinstance(value, Net) and not value.name:
            self._name_moves(origin, label)
            self.modes.made(label, origin)
            return Net(label, value.scope)
        if isinstance(value, OptimizerObject):
            optimizer = self.record.optimizers[value.id]
            optimizer.variable = optimizer.variable or label
        if isinstance(value, Scheduler):
            scheduler = self.record.schedulers[value.id]
            scheduler.variable = scheduler.variable or label
        for item in (value, *elements(value)):
            self.named(item, label)
        if isinstance(value, Unknown) and isinstance(target, ast.Attribute):
            return Unknown(label, value.sources)
        if isinstance(value, Unknown | Made) and isinstance(origin, ast.Call) and not sources_of(value):
            key = self.evidence.key(target, self.frame.scope)
            if key is not None and self.evidence.is_network(key):
                return Net(label)
        return value

    def _name_moves(self, origin: ast.expr | None, label: str) -> None:
        """Gives the moves in ``model = Net().to(device)`` the name that the network gets."""
        moves = self.record.calls.get("device_moves", {})
        while isinstance(origin, ast.Call) and isinstance(origin.func, ast.Attribute):
            if id(origin) in moves:
                moves[id(origin)] = replace(moves[id(origin)], target=label)
            origin = origin.func.value

    def _set_attribute(self, target: ast.Attribute, value: Value) -> Value:
        base = self.evaluate(target.value)
        if target.attr == "grad" and is_none(value):
            self.note("zero_grads", target, ast.unparse(target.value))
        if target.attr == "requires_grad":
            self._note_requires_grad(base, target, value)
        if target.attr in _EXAMPLES:
            self._note_example(target, value)
        match base:
            case Made():
                self.record.changed.add(self.spans.of(base.node))
            case Dotted() if base.path.startswith("torch.backends."):
                self.note_flag(f"{base.path}.{target.attr}", value)
            case Space():
                self._store(base.entries, target.attr, value, target)
            case Instance():
                self._store(base.attributes, target.attr, value, target, always=True)
            case Net() if base.scope is not None:
                self._store(self.network_attributes.setdefault(base.scope, {}), target.attr, value, target, always=True)
            case ClassObject() if base.scope in self.class_frames:
                self._store(self.class_frames[base.scope].variables, target.attr, value, target, always=True)
        return value

    def _note_requires_grad(self, base: Value, target: ast.Attribute, value: Value) -> None:
        """Records ``p.requires_grad = False`` for the parameters of a network."""
        if plain_value(value) != (True,):
            for label in names_of(base):
                self.note("held_fixed", target, label)

    def _store(
        self, entries: dict[str, Value], name: str, value: Value, node: ast.AST, *, always: bool = False
    ) -> None:
        """Sets an entry that others may have set before: on a branch, or in another method, what is certain remains."""
        uncertain = self.branches > 0 or always
        _, writer = self.writers.get((id(entries), name), (entries, None))
        if uncertain and name in entries and writer is not node:
            value = join(entries[name], value)
        entries[name] = value
        self.writers.setdefault((id(entries), name), (entries, node))

    def _set_item(self, target: ast.Subscript, value: Value) -> None:
        base = self.evaluate(target.value)
        if isinstance(target.value, ast.Attribute) and isinstance(owner := self.evaluate(target.value.value), Made):
            self.record.changed.add(self.spans.of(owner.node))
        key = self.evaluate(target.slice)
        if isinstance(base, Dotted) and base.path == "os.environ" and isinstance(key, Known):
            self.note_flag(f"os.environ.{key.value}", value)
        if isinstance(base, Space) and not base.parser:
            if isinstance(key, Known) and isinstance(key.value, str | int):
                self._store(base.entries, key.value, self.named(value, str(key.value)), target)  # type: ignore[arg-type]
            else:
                base.entries[(id(target),)] = value

    def _unpack(self, targets: list[ast.expr], value: Value, node: ast.expr, origin: ast.expr | None) -> None:
        star = next((index for index, target in enumerate(targets) if isinstance(target, ast.Starred)), None)
        for index, target in enumerate(targets):
            after = star is not None and index > star
            at = index - len(targets) if after else index
            part = UNKNOWN if index == star else self._part(value, at, len(targets), star is not None, node)
            self.assign(target, part, origin)

    def _part(self, value: Value, index: int, count: int, starred: bool, node: ast.expr) -> Value:
        match value:
            case Sequence() if not value.open:
                fits = len(value.items) == count or (starred and len(value.items) >= count - 1)
                return value.items[index] if fits else UNKNOWN
            case Sequence():
                return join_all(value.items)
            case Output() if not value.steps:
                return Output(value.network, (*value.path, index), (), value.sources)
            case Output():
                step = StepTaken("getitem", node, (("0", index),))
                return Output(value.network, value.path, (*value.steps, step), value.sources)
            case LossValue() | Loaders():
                return value
        return value.at(index) if isinstance(value, Unknown) and not starred else Unknown("", sources_of(value))

"""What makes optimisers and schedulers, and what is done to the gradients of networks."""

from __future__ import annotations

import ast
import re
from typing import Any

from nnlint.script import training
from nnlint.script.assignment import Assigner
from nnlint.script.record import ForwardRecord, GroupRecord, OptimizerRecord, SchedulerRecord
from nnlint.script.values import (
    UNKNOWN,
    LossValue,
    Net,
    OptimizerObject,
    Output,
    Parameters,
    Scheduler,
    Sequence,
    Space,
    Unknown,
    Value,
    elements,
    names_of,
    plain_value,
)
from nnlint.site import Fact

#: steps after which an output no longer leads back to the network's parameters
_DETACHED = frozenset({"detach", "data", "torch.Tensor.data", "torch.Tensor.detach", "numpy", "item", "argmax"})
#: calls that are given an optimiser and leave its gradients alone
_HARMLESS = re.compile(r"(unscale_|save|load|log|print|checkpoint|prepare|state_dict|scheduler|broadcast)", re.I)
#: calls that are given a network and may do anything to its gradients
_TRAINS = re.compile(r"(^|[._])(?!clip_|.*summary)\w*(grad|zero|train|optim|clear|backward|(?<!\.)step)\w*$", re.I)


class Optimisation(Assigner):
    """Follows what optimises."""

    def make_optimizer(
        self, path: str, name: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value], *, spread: bool
    ) -> Value:
        """An optimiser, with its groups of parameters."""
        values = training.optimizer_arguments(name, args, kwargs)
        arguments = training.facts(values, self.spans, node) | self._positional(name, values, node)
        given = args[0] if args else kwargs.get("params", UNKNOWN)
        unread = (*(key for key in values if key not in arguments), *(("**",) if spread else ()))
        found = OptimizerRecord(
            name,
            node,
            arguments,
            training.networks_in(given) or (),
            path=path,
            groups=self._groups(given, node),
            complete=_is_complete(given) and not spread,
            unread=unread,
        )
        return OptimizerObject(self.record.optimizer(found))

    def _positional(self, name: str, values: dict[str, Value], node: ast.Call) -> dict[str, Fact[Any]]:
        """The tuples among the positional arguments, stated where they stand: ``Adam(params, 1e-3, (0.5, 0.9))``."""
        exprs = dict(zip(training.positions(name), node.args[1:], strict=False))
        pairs = [(key, expr, values.get(key)) for key, expr in exprs.items() if isinstance(expr, ast.Tuple)]
        plain = [(key, expr, plain_value(value)) for key, expr, value in pairs if value is not None]
        return {key: self.spans.fact(value[0], expr) for key, expr, value in plain if value is not None}

    def _groups(self, given: Value, node: ast.Call) -> list[GroupRecord]:
        if not isinstance(given, Sequence):
            return []
        return [self._group(item, node) for item in given.items if isinstance(item, Space) and not item.parser]

    def _group(self, group: Space, node: ast.Call) -> GroupRecord:
        own = {key: value for key, value in group.entries.items() if isinstance(key, str) and key != "params"}
        arguments = training.facts(own, self.spans)
        networks = training.networks_in(group.entries.get("params", UNKNOWN)) or ()
        unread = tuple(key for key in own if key not in arguments)
        return GroupRecord(node, arguments, networks, unread)

    def add_group(self, base: OptimizerObject, node: ast.Call, args: list[Value]) -> Value:
        """``optimizer.add_param_group({...})``."""
        found = self.record.optimizers[base.id]
        group = args[0] if args else UNKNOWN
        if isinstance(group, Space) and not group.parser:
            found.groups.append(self._group(group, node))
            found.networks = tuple(dict.fromkeys((*found.networks, *found.groups[-1].networks)))
        found.complete = found.complete and _is_complete(group)
        return UNKNOWN

    def make_scheduler(self, path: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> Value | None:
        """A learning-rate scheduler: a call so named that is given an optimiser."""
        given = [value for value in [*args, *kwargs.values()] if isinstance(value, OptimizerObject)]
        if not given or not training.is_scheduler(path):
            return None
        arguments = training.facts(kwargs, self.spans, node)
        return Scheduler(id=self.record.scheduler(SchedulerRecord(path, node, given[0].id, arguments)))

    def label_of_scheduler(self, value: Value) -> str | None:
        """What a scheduler is called."""
        return (
            self.record.schedulers[value.id].variable or None
            if isinstance(value, Scheduler) and value.id >= 0
            else None
        )

    def note_handed(self, label: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> None:
        """Records that something unknown is given an optimiser, or a network to train."""
        values = [item for value in [*args, *kwargs.values()] for item in (value, *elements(value))]
        optimiser = any(isinstance(value, OptimizerObject) for value in values)
        trained = any(isinstance(value, Net | Parameters | LossValue) for value in values)
        if (optimiser and not _HARMLESS.search(label)) or (trained and _TRAINS.search(label)):
            self.note("handed", node, label)

    def note_forward(self, net: Net, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> None:
        """Records that a network is called, and which networks' outputs it is given."""
        if not net.name:
            return
        given = [item for value in [*args, *kwargs.values()] for item in (value, *elements(value))]
        sources = tuple(dict.fromkeys(item.network for item in given if isinstance(item, Output) and is_attached(item)))
        self.record.forward(ForwardRecord(net.name, node, self.without_grad == 0, sources))

    def note_gradients(self, base: Value, name: str, node: ast.Call, args: list[Value]) -> None:
        """Records what a method does to a network: it is held fixed, or filled with weights; gradients are bounded."""
        if name in training.CLIPS:
            self.note("clips", node, ast.unparse(node.args[0]) if node.args else "")
        if name == "requires_grad_" and isinstance(base, Net | Parameters | Unknown):
            fixed = bool(args) and plain_value(args[0]) == (False,)
            if fixed or (args and plain_value(args[0]) is None):
                for label in names_of(base):
                    self.note("held_fixed", node, label)
        if name in {"load_state_dict", "load_checkpoint", "load_weights", "load_pretrained"} and isinstance(base, Net):
            self.note("loaded", node, base.name)

    def note_kept(self, target: ast.expr, value: Value, added: ast.expr, node: ast.AST) -> None:
        """Records a loss that is added up over the rounds of a loop while it is still attached to its graph."""
        inside = bool(self.frame.loops) and not self.without_grad
        if inside and isinstance(value, LossValue) and value.losses and _is_plain(added):
            self.note("kept_graphs", node, ast.unparse(target), {"added": ast.unparse(added)})


def _is_plain(added: ast.expr) -> bool:
    """Whether nothing is called in an expression but what keeps the graph: another call may detach its argument."""
    calls = [part for part in ast.walk(added) if isinstance(part, ast.Call)]
    return all(_keeps_graph(call.func) for call in calls)


def _keeps_graph(func: ast.expr) -> bool:
    if isinstance(func, ast.Attribute):
        return func.attr in {"mean", "sum", "cpu", "clone", "to", "size"}
    return isinstance(func, ast.Name) and func.id == "len"


def _is_complete(value: Value) -> bool:
    """Whether all the parameters that are given are known to be those of networks."""
    if isinstance(value, Parameters):
        return True
    if isinstance(value, Space) and not value.parser:
        return _is_complete(value.entries.get("params", UNKNOWN))
    return isinstance(value, Sequence) and bool(value.items) and all(_is_complete(item) for item in value.items)


def is_attached(output: Output) -> bool:
    """Whether gradients still flow from an output back to its network, as far as its steps tell."""
    return not any(step.name in _DETACHED or step.name.endswith((".detach", ".data")) for step in output.steps)

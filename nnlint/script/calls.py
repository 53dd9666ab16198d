"""What a call means: which ones make networks, losses, loaders and optimisers, and which ones use them."""

from __future__ import annotations

import ast
import re

from nnlint.script import options, tensors, torchnames, training
from nnlint.script.builtin_calls import builtin
from nnlint.script.datasets import hints_of
from nnlint.script.definitions import forward_of
from nnlint.script.hints import call_hint
from nnlint.script.methods import Methods
from nnlint.script.naming import Reference
from nnlint.script.record import LossRecord
from nnlint.script.samples import Samples
from nnlint.script.scopes import Scope
from nnlint.script.switches import sets_a_switch
from nnlint.script.values import (
    NONE,
    UNKNOWN,
    ClassObject,
    Dotted,
    Function,
    Ids,
    Instance,
    Layer,
    Loaders,
    LossMaker,
    LossValue,
    Made,
    Net,
    Output,
    Sequence,
    Space,
    StepTaken,
    Tensor,
    Unknown,
    Value,
    join,
    losses_of,
    sources_of,
)

#: functions that are given a network and leave its mode as it is
_KEEPS_MODE = re.compile(r"summary|count|param|watch|compile|parallel|ddp|print|len$|save|prepare|init|optim", re.I)


class Caller(Methods):
    """Follows calls."""

    samples: Samples | None = None

    def call(self, node: ast.Call) -> Value:
        """The value of a call; what it means for the training is recorded."""
        if isinstance(node.func, ast.Attribute):
            base = self._super(node.func.value) or self.evaluate(node.func.value)
            args, kwargs, spread = self._arguments(node)
            found = self.method(base, node.func.attr, node, args, kwargs)
            if found is not None:
                return found
            callee = self.attribute(base, node.func.attr, node.func)
        else:
            callee = self.evaluate(node.func)
            args, kwargs, spread = self._arguments(node)
        return self.apply(callee, node, args, kwargs, spread=spread)

    def _arguments(self, node: ast.Call) -> tuple[list[Value], dict[str, Value], bool]:
        """The evaluated arguments, and whether there may be more of them (``*args``)."""
        args: list[Value] = []
        spread = False
        for item in node.args:
            value = self.evaluate(item)
            if not isinstance(item, ast.Starred):
                args.append(value)
            elif isinstance(value, Sequence) and not value.open and not spread:
                args += value.items
            else:
                spread = True
                args.append(self.element(value))
        kwargs: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.evaluate(keyword.value)
            if keyword.arg is not None:
                kwargs[keyword.arg] = value
            elif isinstance(value, Space) and not value.parser:
                kwargs |= {name: entry for name, entry in value.entries.items() if isinstance(name, str)}
            else:
                spread = True
        return args, kwargs, spread

    def _super(self, node: ast.expr) -> Value | None:
        """The object that ``super()`` stands for: the bases' part of ``self``."""
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"):
            return None
        return Made("super", node)

    def apply(
        self, callee: Value, node: ast.Call, args: list[Value], kwargs: dict[str, Value], *, spread: bool = False
    ) -> Value:
        """The value of calling something with evaluated arguments."""
        value: Value | None = None
        if isinstance(callee, Net | Layer | LossMaker):
            self.computing.add(id(node))
        match callee:
            case Function():
                value = self._function(callee, args, kwargs, spread=spread)
            case ClassObject():
                value = self._instantiate(callee.scope, args, kwargs, spread=spread)
            case Net():
                value = self.run_network(callee, node, args, kwargs)
            case Layer():
                value = self._tensor_function(callee.name, node, args, kwargs)
            case LossMaker():
                value = self._judge(callee.name, callee.node, callee.arguments, node, args, kwargs)
            case Dotted():
                value = self._imported(callee.path, node, args, kwargs, spread=spread)
            case Instance():
                inner = self.class_attribute(callee.scope, "__call__")
                if isinstance(inner, Function):
                    value = self.run(Function(inner.scope, inner.frame, callee), args, kwargs, spread=spread)
            case Unknown():
                if self.looks_like_network(callee, node.func):
                    value = self.run_network(Net(callee.name), node, args, kwargs)
        return self._of_no_known(callee, node, args, kwargs) if value is None else value

    def _of_no_known(self, callee: Value, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> Value:
        label = ast.unparse(node.func)
        if label.endswith(".add_graph"):
            self.note_hint(call_hint("", node, args, kwargs, self.spans, label))
        return self._somehow(label, node, args, kwargs, sources_of(callee))

    def _function(self, function: Function, args: list[Value], kwargs: dict[str, Value], *, spread: bool) -> Value:
        value = self.run(function, args, kwargs, spread=spread)
        if value == UNKNOWN or (isinstance(value, Unknown) and not value.sources):
            known = self.networks.is_constructor(Reference(function.scope.name, None, function.scope))
            return Net("") if known and function.bound is None else Unknown("", sources_of(value, *args))
        return value

    # -- objects

    def _instantiate(self, scope: Scope, args: list[Value], kwargs: dict[str, Value], *, spread: bool) -> Value:
        if self.networks.is_module(scope):
            self.prepare_network(scope, args, kwargs, spread=spread)
            return Net("", scope)
        instance = Instance(scope)
        self.objects.setdefault(scope, []).append(instance)
        self.construct(scope, instance, args, kwargs, spread=spread)
        return instance

    def construct(
        self, scope: Scope, made: Instance | Net, args: list[Value], kwargs: dict[str, Value], *, spread: bool = False
    ) -> None:
        """Follows the constructor of a class of the file: what it stores in the object."""
        init = self.class_attribute(scope, "__init__")
        if isinstance(init, Function):
            self.run(Function(init.scope, init.frame, made), args, kwargs, spread=spread)
        elif isinstance(made, Instance):
            fields = [item.target.id for item in getattr(scope.node, "body", []) if _is_field(item)]
            made.attributes |= dict(zip(fields, args, strict=False)) | kwargs

    def prepare_network(
        self, scope: Scope, args: list[Value], kwargs: dict[str, Value], *, spread: bool = False
    ) -> None:
        """Follows the constructor of a network class, for the losses and networks that its objects hold.

        Of several objects, made with different arguments, what is certain of all remains.
        """
        if scope in self.active:
            return
        earlier = self.network_attributes.get(scope)
        self.network_attributes[scope] = {}
        self.construct(scope, Net("self", scope), args, kwargs, spread=spread)
        made = self.network_attributes[scope]
        if earlier is not None:
            names = [*made, *(name for name in earlier if name not in made)]
            self.network_attributes[scope] = {name: join(earlier.get(name), made.get(name)) for name in names}

    def run_network(self, net: Net, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> Value:
        """The output of a network; a loss class of the file gives what its ``forward`` gives."""
        if net.scope is not None and self.networks.is_loss(net.scope):
            return self._own_loss(net, net.scope, node, args, kwargs)
        if not (net.name.startswith("self.") and self._within_network()):
            self.note_hint(call_hint(net.name, node, args, kwargs, self.spans))
            self.note_forward(net, node, args, kwargs)
            self.note_whole_batch(node, args)
            self.modes.call(net.name, node, self.loops_around(), grad=self.without_grad == 0)
        forward = forward_of(self.networks, net.scope) if net.scope is not None else None
        switched = sets_a_switch(forward, args, kwargs)
        steps = (StepTaken(f"{net.name} with a switch", node),) if switched else ()
        return Output(net.name, (), steps, sources_of(*args, *kwargs.values()))

    def note_whole_batch(self, node: ast.Call, args: list[Value]) -> None:
        """Records how many samples a network is given in every round of a loop, where the loop does not choose them."""
        first = args[0] if len(args) == 1 else None
        if (
            not self.rounds
            or not isinstance(first, Tensor)
            or not first.shape
            or not isinstance(node.args[0], ast.Name)
        ):
            return
        loop = self.rounds[-1][0]
        if node.args[0].id not in self.assigned_in(loop):
            self.whole_batches.setdefault(id(loop), self.spans.fact(first.shape[0], node.args[0]))

    def assigned_in(self, loop: ast.stmt) -> frozenset[str]:
        """The variables that a loop's body changes."""
        raise NotImplementedError

    def _own_loss(self, net: Net, scope: Scope, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> Value:
        forward = self.class_attribute(scope, "forward")
        if isinstance(forward, Function):
            value = self.run(Function(forward.scope, forward.frame, net), args, kwargs)
            if losses_of(value):
                return value
        if net.name == "self":  # one of its own methods: what it judges there is not known
            return Unknown("", sources_of(*args, *kwargs.values()))
        return self._judge(scope.name, node, (), node, args, kwargs)

    # -- losses

    def _judge(
        self,
        name: str,
        maker: ast.AST,
        stated: tuple[tuple[str, object], ...],
        node: ast.Call,
        args: list[Value],
        kwargs: dict[str, Value],
    ) -> Value:
        """The value of a loss that is applied."""
        named = [(key, kwargs[key]) for key in (*training.INPUTS, *training.TARGETS) if key in kwargs]
        values = [*args, *(value for _, value in named)]
        exprs = [*node.args, *(item.value for key, _ in named for item in node.keywords if item.arg == key)]
        if any(isinstance(expr, ast.Starred) for expr in exprs) or len(values) != len(exprs):
            exprs = []
        judged, other = values[0] if values else None, values[1] if len(values) > 1 else None
        target = exprs[1] if len(exprs) > 1 else None
        if not isinstance(judged, Output) and name in training.SYMMETRIC and len(values) > 1:
            judged, other, target = values[1], values[0], exprs[0] if exprs else None
        others = {key: value for key, value in kwargs.items() if key not in dict(named)}
        arguments = dict(stated) | training.facts(others, self.spans, node)
        output = judged if isinstance(judged, Output) else None
        found = LossRecord(name, maker, node, tuple(arguments.items()), output, target, other)  # type: ignore[arg-type]
        return LossValue(frozenset({self.record.loss(found)}), sources_of(*values))

    # -- imported functions and classes

    def _imported(
        self, path: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value], *, spread: bool
    ) -> Value:
        found = self._training_object(path, node, args, kwargs, spread=spread)
        if found is None:
            self._note_settings(path, node, args, kwargs)
            found = builtin(path, args, kwargs, self.element, node) or self._wrapper(path, args, kwargs)
        if found is None:
            found = self._module(path, node, args) or tensors.made(path, args, kwargs)
        if found is not None:
            return found
        if torchnames.is_torch(path) and not path.startswith("torch.utils."):
            return self._tensor_function(path, node, args, kwargs)
        self.note_hint(call_hint("", node, args, kwargs, self.spans, path))
        return self._somehow(path, node, args, kwargs)

    def _training_object(
        self, path: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value], *, spread: bool
    ) -> Value | None:
        """A loss, loader, optimiser, scheduler or parser of options, if the call makes one."""
        if training.is_loader(path):
            return self._loader(path, node, args, kwargs, spread=spread)
        optimizer = training.optimizer_name(path, args, kwargs)
        if optimizer is not None:
            return self.make_optimizer(path, optimizer, node, args, kwargs, spread=spread)
        scheduler = self.make_scheduler(path, node, args, kwargs)
        return scheduler or self._loss(path, node, args, kwargs) or _options(path, args, kwargs)

    def _loss(self, path: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> Value | None:
        name = training.loss_function(path)
        if name is not None:
            return self._judge(name, node, (), node, args, kwargs)
        name = training.loss_class(path)
        return LossMaker(name, node, tuple(training.facts(kwargs, self.spans, node).items())) if name else None

    def _loader(self, path: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value], *, spread: bool) -> Value:
        found, unread = training.loader_facts(node, args, kwargs, self.spans, spread=spread)
        self.samples = self.samples or Samples(self)
        given = args[0] if args else kwargs.get("dataset")
        data = self.samples.data_set(given, training.dataset_of(node))
        if data is not None:
            found["data"] = data
        return Loaders(frozenset({self.record.loader(node, found, unread, path)}))

    def _wrapper(self, path: str, args: list[Value], kwargs: dict[str, Value]) -> Value | None:
        """What a function gives that hands back the network (or function) it is given."""
        inner = args[0] if args else kwargs.get("module", kwargs.get("model"))
        if path in torchnames.COPIES and isinstance(inner, Net):
            return Net("", inner.scope)
        if path in torchnames.WRAPPERS and inner is not None:
            return inner
        if path in {"torch.autograd.Variable", "torch.autograd.variable.Variable"} and args:
            return args[0]
        return None

    def _module(self, path: str, node: ast.Call, args: list[Value]) -> Value | None:
        """The network or layer that a class or function from elsewhere makes."""
        if self.networks.is_constructor(Reference(path)):
            return Net("")
        if not torchnames.is_module_class(path):
            return None
        if path.rpartition(".")[2] in {"ModuleList", "ModuleDict"}:
            return args[0] if args and isinstance(args[0], Sequence | Space) else UNKNOWN
        return Layer(path, node)

    def _tensor_function(self, path: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> Value:
        """The value of a function of tensors: a step, if a network's output goes through it."""
        if losses_of(*args):
            return LossValue(losses_of(*args), sources_of(*args))
        first = args[0] if args else next((kwargs[name] for name in ("input", "tensors") if name in kwargs), None)
        if isinstance(first, Output):
            return self.step_of(first, path, node, args[1:], kwargs)
        if isinstance(first, Sequence):
            outputs = list(first.items)
            if len(outputs) == 1 and isinstance(outputs[0], Output):
                return self.step_of(outputs[0], path, node, args[1:], kwargs)
        if isinstance(first, Tensor) and not sources_of(*args, *kwargs.values()):
            return tensors.after_method(first, path.rpartition(".")[2], args[1:], kwargs)
        self.note_hint(call_hint("", node, args, kwargs, self.spans, path))
        return Unknown("", sources_of(*args, *kwargs.values()))

    def _somehow(
        self, label: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value], sources: Ids = NONE
    ) -> Value:
        """The value of a function nnlint knows nothing about; ``sources`` are those of what it is a method of."""
        self.note_handed(label, node, args, kwargs)
        for item in [*args, *kwargs.values()]:
            if isinstance(item, Net | Unknown) and item.name and not _KEEPS_MODE.search(label.rpartition(".")[2]):
                self.modes.forget(item.name)
        if any(isinstance(value, LossValue) for value in args):
            return LossValue(losses_of(*args), sources_of(*args))
        first = args[0] if args else None
        if isinstance(first, Output):
            return self.step_of(first, label, node, args[1:], kwargs)
        if isinstance(first, Loaders):
            return first
        sources |= sources_of(*args, *kwargs.values())
        made = Made(label, node, tuple(args), tuple(kwargs.items()), sources)
        for hint in hints_of(made, self.spans):
            self.note_hint(hint)
        return made


def _is_field(item: ast.stmt) -> bool:
    return isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)


def _options(path: str, args: list[Value], kwargs: dict[str, Value]) -> Value | None:
    """A parser of command-line options, or a namespace."""
    if path == "argparse.ArgumentParser":
        return Space(parser=True)
    if path.rpartition(".")[2] in options.NAMESPACES and not torchnames.is_torch(path):
        return options.namespace(args, kwargs)
    return None

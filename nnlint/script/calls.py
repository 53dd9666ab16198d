"""What a call means: which ones make networks, losses, loaders and optimisers, and which ones use them."""

from __future__ import annotations

import ast
import re

from nnlint.names import name_of_dotted
from nnlint.recipe import Call
from nnlint.script import options, tensors, torchnames, training
from nnlint.script.builtin_calls import builtin, entries_view
from nnlint.script.datasets import hints_of
from nnlint.script.evaluate import Evaluator
from nnlint.script.hints import call_hint
from nnlint.script.record import LossRecord, OptimizerRecord
from nnlint.script.scopes import Reference, Scope
from nnlint.script.values import (
    NONE,
    UNKNOWN,
    ClassObject,
    Dotted,
    Function,
    Ids,
    Instance,
    Known,
    Layer,
    Loaders,
    LossMaker,
    LossValue,
    Made,
    Net,
    OptimizerObject,
    Output,
    Parameters,
    Scheduler,
    Sequence,
    Space,
    Tensor,
    Unknown,
    Value,
    elements,
    join,
    losses_of,
    plain_value,
    sources_of,
)

_NETWORK_NAME = re.compile(
    r"^(net|model|network|generator|discriminator|critic|actor|encoder|decoder|classifier|backbone|policy|student|"
    r"teacher|unet|resnet|autoencoder|gan|vae|gen|disc|[GD]|net[GD](_[AB])?|[GD]_[A-Z]+)(_?\d+)?$"
    r"|(_net|_model|_network|[a-z]Net|Model)$|^(net|model)_"
)
_MOVES = frozenset({"to", "cuda", "cpu", "xpu", "mps", "to_device"})
_PARAMETERS = frozenset({"parameters", "named_parameters"})
_NO_VALUE = frozenset({"item", "tolist", "numpy", "size", "dim", "numel", "nelement", "backward", "cpu_numpy"})
_FIT = frozenset({"fit", "fit_loop"})
_PREPARE = frozenset({"prepare", "setup", "setup_dataloaders", "prepare_model", "prepare_data_loader", "initialize"})


class Caller(Evaluator):
    """Follows calls."""

    def call(self, node: ast.Call) -> Value:
        """The value of a call; what it means for the training is recorded."""
        if isinstance(node.func, ast.Attribute):
            base = self._super(node.func.value) or self.evaluate(node.func.value)
            args, kwargs, spread = self._arguments(node)
            found = self._method(base, node.func.attr, node, args, kwargs)
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

    # -- what is called

    def apply(
        self, callee: Value, node: ast.Call, args: list[Value], kwargs: dict[str, Value], *, spread: bool = False
    ) -> Value:
        """The value of calling something with evaluated arguments."""
        match callee:
            case Function():
                return self._function(callee, node, args, kwargs, spread=spread)
            case ClassObject():
                return self._instantiate(callee.scope, args, kwargs, spread=spread)
            case Net():
                return self._run_network(callee, node, args, kwargs)
            case Layer():
                return self._tensor_function(callee.name, node, args, kwargs)
            case LossMaker():
                return self._judge(callee.name, callee.node, callee.arguments, node, args, kwargs)
            case Dotted():
                return self._imported(callee.path, node, args, kwargs, spread=spread)
            case Instance():
                inner = self.class_attribute(callee.scope, "__call__")
                if isinstance(inner, Function):
                    return self.run(Function(inner.scope, inner.frame, callee), args, kwargs, spread=spread)
            case Unknown():
                if self.looks_like_network(callee, node.func):
                    return self._run_network(Net(callee.name), node, args, kwargs)
        label = _text(node.func)
        if label.endswith(".add_graph"):
            self.note_hint(call_hint("", node, args, kwargs, self.spans, label))
        return self._somehow(label, node, args, kwargs, sources_of(callee))

    def looks_like_network(self, value: Unknown, node: ast.expr) -> bool:
        """Whether an unknown value that is called is a network, by its uses or by its name."""
        if not value.name or value.sources:
            return False
        key = self.evidence.key(node, self.frame.scope)
        if key is not None and self.evidence.is_network(key):
            return True
        return bool(_NETWORK_NAME.search(value.name.rpartition(".")[2]))

    def _function(
        self, function: Function, node: ast.Call, args: list[Value], kwargs: dict[str, Value], *, spread: bool
    ) -> Value:
        value = self.run(function, args, kwargs, spread=spread)
        if value == UNKNOWN or (isinstance(value, Unknown) and not value.sources):
            known = self.networks.is_constructor(Reference(function.scope.name, None, function.scope))
            return Net("") if known and function.bound is None else Unknown("", sources_of(value, *args))
        return value

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

    def _run_network(self, net: Net, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> Value:
        """The output of a network; a loss class of the file gives what its ``forward`` gives."""
        if net.scope is not None and self.networks.is_loss(net.scope):
            return self._own_loss(net, net.scope, node, args, kwargs)
        self.note_hint(call_hint(net.name, node, args, kwargs, self.spans))
        return Output(net.name, (), (), sources_of(*args, *kwargs.values()))

    def _own_loss(self, net: Net, scope: Scope, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> Value:
        forward = self.class_attribute(scope, "forward")
        if isinstance(forward, Function):
            value = self.run(Function(forward.scope, forward.frame, net), args, kwargs)
            if losses_of(value):
                return value
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
        judged = values[0] if values else None
        target = exprs[1] if len(exprs) > 1 else None
        if not isinstance(judged, Output) and name in training.SYMMETRIC and len(values) > 1:
            judged, target = values[1], exprs[0] if exprs else None
        others = {key: value for key, value in kwargs.items() if key not in dict(named)}
        arguments = dict(stated) | training.facts(others, self.spans, node)
        output = judged if isinstance(judged, Output) else None
        found = LossRecord(name, maker, node, tuple(arguments.items()), output, target)  # type: ignore[arg-type]
        return LossValue(frozenset({self.record.loss(found)}), sources_of(*values))

    # -- imported functions and classes

    def _imported(
        self, path: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value], *, spread: bool
    ) -> Value:
        found = self._training_object(path, node, args, kwargs, spread=spread)
        if found is not None:
            return found
        self._note_settings(path, node, args, kwargs)
        found = builtin(path, args, kwargs, self.element, node)
        if found is None:
            found = self._wrapper(path, args, kwargs)
        if found is not None:
            return found
        if self.networks.is_constructor(Reference(path)):
            return Net("")
        if torchnames.is_module_class(path):
            return self._module_of_torch(path, node, args, kwargs)
        made = tensors.made(path, args, kwargs)
        if made is not None:
            return made
        if torchnames.is_torch(path) and not path.startswith("torch.utils."):
            return self._tensor_function(path, node, args, kwargs)
        self.note_hint(call_hint("", node, args, kwargs, self.spans, path))
        return self._somehow(path, node, args, kwargs)

    def _training_object(
        self, path: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value], *, spread: bool
    ) -> Value | None:
        """A loss, loader, optimiser, scheduler or parser of options, if the call makes one."""
        loss = training.loss_function(path)
        if loss is not None:
            return self._judge(loss, node, (), node, args, kwargs)
        loss = training.loss_class(path)
        if loss is not None:
            return LossMaker(loss, node, tuple(training.facts(kwargs, self.spans, node).items()))
        if training.is_loader(path):
            return self._loader(node, args, kwargs, spread=spread)
        optimizer = training.optimizer_name(path, args, kwargs)
        if optimizer is not None:
            return self._optimizer(optimizer, node, args, kwargs)
        if training.is_scheduler(path) and any(
            isinstance(value, OptimizerObject) for value in [*args, *kwargs.values()]
        ):
            return Scheduler()
        if path == "argparse.ArgumentParser":
            return Space(parser=True)
        if path.rpartition(".")[2] in options.NAMESPACES and not torchnames.is_torch(path):
            return options.namespace(args, kwargs)
        return None

    def _loader(self, node: ast.Call, args: list[Value], kwargs: dict[str, Value], *, spread: bool) -> Value:
        found, unread = training.loader_facts(node, args, kwargs, self.spans, spread=spread)
        return Loaders(frozenset({self.record.loader(node, found, unread)}))

    def _optimizer(self, name: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> Value:
        arguments = training.facts(training.optimizer_arguments(name, args, kwargs), self.spans, node)
        given = args[0] if args else kwargs.get("params", UNKNOWN)
        networks = training.networks_in(given) or ()
        return OptimizerObject(self.record.optimizer(OptimizerRecord(name, node, arguments, networks)))

    def _wrapper(self, path: str, args: list[Value], kwargs: dict[str, Value]) -> Value | None:
        """What a function gives that hands back the network (or function) it is given."""
        inner = args[0] if args else kwargs.get("module", kwargs.get("model"))
        if path in torchnames.WRAPPERS and inner is not None:
            return inner
        if path in {"torch.autograd.Variable", "torch.autograd.variable.Variable"} and args:
            return args[0]
        return None

    def _module_of_torch(self, path: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> Value:
        leaf = path.rpartition(".")[2]
        if leaf in {"ModuleList", "ModuleDict"}:
            return args[0] if args and isinstance(args[0], Sequence | Space) else UNKNOWN
        del kwargs
        return Layer(path, node)

    def _tensor_function(self, path: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> Value:
        """The value of a function of tensors: a step, if a network's output goes through it."""
        if losses_of(*args):
            return LossValue(losses_of(*args), sources_of(*args))
        first = args[0] if args else next((kwargs[name] for name in ("input", "tensors") if name in kwargs), None)
        if isinstance(first, Output):
            return self._step_of(first, path, node, args[1:], kwargs)
        if isinstance(first, Sequence):
            outputs = list(first.items)
            if len(outputs) == 1 and isinstance(outputs[0], Output):
                return self._step_of(outputs[0], path, node, args[1:], kwargs)
        if isinstance(first, Tensor) and not sources_of(*args, *kwargs.values()):
            return tensors.after_method(first, path.rpartition(".")[2], args[1:], kwargs)
        self.note_hint(call_hint("", node, args, kwargs, self.spans, path))
        return Unknown("", sources_of(*args, *kwargs.values()))

    def _step_of(self, output: Output, path: str, node: ast.AST, args: list[Value], kwargs: dict[str, Value]) -> Value:
        if any(isinstance(value, Output) for value in [*args, *kwargs.values()]):
            return Unknown("", sources_of(output, *args, *kwargs.values()))
        named = {str(index): value for index, value in enumerate(args)} | kwargs
        stepped = self.step(output, path, node, self.plain(named))
        return Output(stepped.network, stepped.path, stepped.steps, sources_of(output, *args, *kwargs.values()))

    def _somehow(
        self, label: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value], sources: Ids = NONE
    ) -> Value:
        """The value of a function nnlint knows nothing about; ``sources`` are those of what it is a method of."""
        if any(isinstance(value, LossValue) for value in args):
            return LossValue(losses_of(*args), sources_of(*args))
        first = args[0] if args else None
        if isinstance(first, Output):
            return self._step_of(first, label, node, args[1:], kwargs)
        if isinstance(first, Loaders):
            return first
        sources |= sources_of(*args, *kwargs.values())
        made = Made(label, node, tuple(args), tuple(kwargs.items()), sources)
        for hint in hints_of(made, self.spans):
            self.note_hint(hint)
        return made

    # -- methods

    def _method(
        self, base: Value, name: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]
    ) -> Value | None:
        """The value of a method that means the same whatever object it is called on; None for any other."""
        if isinstance(base, Made) and base.path == "super":
            return self._method_of_super(name, args, kwargs)
        if name in {"backward", "manual_backward"}:
            return self._backward(base, node, args)
        if name == "zero_grad":
            self.note("zero_grads", node, self._label(base, node))
            return UNKNOWN
        if name == "step":
            return self._step_method(base, node, args)
        if name in _MOVES and not isinstance(base, Dotted | Space | Function | ClassObject):
            return self._move(base, name, node, args, kwargs)
        if name in _PREPARE and any(isinstance(v, Net | OptimizerObject | Loaders | Unknown) for v in args):
            if not isinstance(base, Instance | Net | Dotted):
                return args[0] if len(args) == 1 else Sequence(tuple(args))
        match base:
            case Net():
                return self._method_of_network(base, name, node, args, kwargs)
            case Unknown() if name in {"train", "eval", *_PARAMETERS}:
                return self._method_of_unknown(base, name, node, args, kwargs)
            case Output():
                return self._method_of_output(base, name, node, args, kwargs)
            case LossMaker() | Layer():
                return base
            case LossValue():
                return Unknown("", base.sources) if name in _NO_VALUE | {"detach"} else base
            case Space():
                return self._method_of_space(base, name, node, args, kwargs)
            case Tensor():
                return tensors.after_method(base, name, args, kwargs)
            case Sequence() if name in {"append", "extend", "insert"}:
                return self._append(base, node, name, args)
            case Made() | Unknown() if name in _FIT:
                self._fit(args, kwargs)
        return None

    def _method_of_super(self, name: str, args: list[Value], kwargs: dict[str, Value]) -> Value:
        owner = self.frame.scope.parent
        bound = self.frame.variables.get("self")
        if owner is None or not owner.is_class or bound is None:
            return UNKNOWN
        for scope in self.lineage(owner)[1:]:
            for binding in scope.bindings.get(name, ()):
                if isinstance(binding.node, ast.FunctionDef):
                    return self.run(Function(self.names.scopes[binding.node], None, bound), args, kwargs)
        return UNKNOWN

    def _backward(self, base: Value, node: ast.Call, args: list[Value]) -> Value:
        values = [base, *args]
        assert isinstance(node.func, ast.Attribute)
        given = isinstance(base, Made) or node.func.attr == "manual_backward" or bool(losses_of(*args))
        expr = node.args[0] if given and node.args else node.func.value  # `accelerator.backward(loss)`
        self.note("backwards", node, _text(expr))
        self.record.backward(losses_of(*values), sources_of(*values), certain=self.branches == 0)
        self.note_epochs()
        return UNKNOWN

    def _step_method(self, base: Value, node: ast.Call, args: list[Value]) -> Value | None:
        assert isinstance(node.func, ast.Attribute)
        name = _text(node.func.value).lower()
        if isinstance(base, Scheduler) or (isinstance(base, Unknown | Made) and "sched" in name):
            self.note("scheduler_steps", node, self._label(base, node))
            return UNKNOWN
        stepped = next((value for value in args if isinstance(value, OptimizerObject)), None)
        by_name = isinstance(base, Unknown | Made) and "opt" in name
        if isinstance(base, OptimizerObject) or by_name:
            self.note("steps", node, self._label(base, node))
        elif stepped is not None or (node.args and "scaler" in name):  # scaler.step(optimizer)
            self.note("steps", node, self._label(stepped, node) if stepped else _text(node.args[0]))
        else:
            return None
        self.note_accumulation()
        for value in args:
            if isinstance(value, Function):  # a closure that computes the loss
                self.run(value, [], {})
        return UNKNOWN

    def _label(self, base: Value, node: ast.Call) -> str:
        """What a call's object is called: the network's or optimiser's own name, else as the source writes it."""
        if isinstance(base, Net) and base.name:
            return base.name
        if isinstance(base, OptimizerObject) and self.record.optimizers[base.id].variable:
            return self.record.optimizers[base.id].variable
        assert isinstance(node.func, ast.Attribute)
        return _text(node.func.value)

    def _move(
        self, base: Value, name: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]
    ) -> Value | None:
        device = _device(name, node, args, kwargs)
        if device is not None:
            self.note("device_moves", node, self._label(base, node), {"device": device, **self._resolved(node, args)})
        if isinstance(base, Tensor):
            return tensors.after_method(base, name, args, kwargs)
        if isinstance(base, Output):
            return base if device is not None else self._step_of(base, f"torch.Tensor.{name}", node, args, kwargs)
        return base if not isinstance(base, Instance) else None

    def _resolved(self, node: ast.Call, args: list[Value]) -> dict[str, str]:
        """The expression that a device's name stands for, where it stands for one only."""
        given = node.args[0] if node.args else training.keyword_of(node, "device")
        if not isinstance(given, ast.Name):
            return {}
        if args and isinstance(args[0], Known):
            return {"resolved": repr(args[0].value)}
        found = self.frame.scope.lookup(given.id)
        if found is None or len(found[1]) != 1 or found[1][0].value is None:
            return {}
        return {"resolved": _text(found[1][0].value)}

    def _method_of_network(
        self, base: Net, name: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]
    ) -> Value | None:
        if name in _PARAMETERS:
            return Parameters((base.name,))
        if name in {"train", "eval"} and not self._defines(base, name):
            self.note_mode(base.name, name, node, args, kwargs)
            return base
        if name in {"forward", "__call__"}:
            return self._run_network(base, node, args, kwargs)
        if name == "save_hyperparameters" and base.scope is not None:
            entries = {key: value for key, value in self.frame.variables.items() if key != "self"}
            self.network_attributes.setdefault(base.scope, {})["hparams"] = Space(entries)
            return UNKNOWN
        if name in torchnames.SELF_METHODS and not self._defines(base, name):
            return base
        return None

    def _defines(self, base: Net, name: str) -> bool:
        return base.scope is not None and self.class_attribute(base.scope, name) is not None

    def _method_of_unknown(
        self, base: Unknown, name: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]
    ) -> Value | None:
        assert isinstance(node.func, ast.Attribute)
        if name in _PARAMETERS:
            return Parameters((base.name,)) if base.name else None
        if not base.name or not self.looks_like_network(base, node.func.value):
            return None
        self.note_mode(base.name, name, node, args, kwargs)
        return base

    def _method_of_output(
        self, base: Output, name: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]
    ) -> Value | None:
        if name in _NO_VALUE:
            return Unknown("", base.sources)
        if not base.steps and name_of_dotted(f"torch.Tensor.{name}") is None:
            return Unknown("", base.sources)
        return self._step_of(base, f"torch.Tensor.{name}", node, args, kwargs)

    def _method_of_space(
        self, base: Space, name: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]
    ) -> Value | None:
        if base.parser:
            return self._method_of_parser(base, name, node, args, kwargs)
        if name == "get" and args:
            known = isinstance(args[0], Known) and args[0].value in base.entries
            return base.entries[args[0].value] if known and isinstance(args[0], Known) else UNKNOWN
        if name == "update":
            self._update(base, args, kwargs)
            return UNKNOWN
        if name in {"copy", "deepcopy"}:
            return Space(dict(base.entries))
        return entries_view(base, name)

    def _update(self, base: Space, args: list[Value], kwargs: dict[str, Value]) -> None:
        if not all(isinstance(value, Space) and not value.parser for value in args):
            base.entries = dict.fromkeys(base.entries, UNKNOWN)
            return
        for entries in [*(value.entries for value in args if isinstance(value, Space)), kwargs]:
            for key, value in entries.items():
                base.entries[key] = join(base.entries.get(key, UNKNOWN), value) if self.branches else value

    def _method_of_parser(
        self, base: Space, name: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]
    ) -> Value:
        if name == "add_argument":
            options.add_argument(base, node, args, kwargs)
        elif name == "set_defaults":
            base.entries |= kwargs
        elif name in {"parse_args", "parse_intermixed_args"}:
            return options.parsed(base, args, kwargs)
        elif name == "parse_known_args":
            return Sequence((options.parsed(base, args, kwargs), UNKNOWN))
        elif name in {"add_argument_group", "add_mutually_exclusive_group"}:
            return base
        return UNKNOWN

    def _append(self, base: Sequence, node: ast.Call, name: str, args: list[Value]) -> Value:
        assert isinstance(node.func, ast.Attribute)
        added = args[-1:] if name != "extend" else [self.element(value) for value in args]
        grown = Sequence((*base.items, *added)[-20:], open=True)
        if isinstance(node.func.value, ast.Name | ast.Attribute):
            self.assign(node.func.value, grown, None)
        return UNKNOWN

    def _fit(self, args: list[Value], kwargs: dict[str, Value]) -> None:
        """``trainer.fit(module, train_loader, val_loader)``."""
        train = kwargs.get("train_dataloaders", kwargs.get("train_dataloader", args[1] if len(args) > 1 else None))
        val = kwargs.get("val_dataloaders", args[2] if len(args) > 2 else None)
        for value, role in ((train, "train"), (val, "val")):
            for item in [value, *elements(value)] if value is not None else []:
                for index in item.ids if isinstance(item, Loaders) else ():
                    self.record.loaders[index].given = role  # type: ignore[assignment]

    # -- notes

    def note(self, kind: str, node: ast.AST, target: str, arguments: dict[str, object] | None = None) -> None:
        """Records a call that matters to training."""
        loops = tuple(self.spans.header(loop) for loop in self.frame.loops)
        call = Call(target, self.spans.of(node), self.frame.function, loops, arguments or {})
        self.record.call(kind, node, call)

    def note_mode(self, target: str, name: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> None:
        """Records ``train()`` and ``eval()``; ``train(False)`` is the latter, ``train(flag)`` neither."""
        mode = args[0] if args else kwargs.get("mode")
        known = plain_value(mode) if mode is not None else (True,)
        if name == "eval" or known == (False,):
            self.note("evals", node, target)
        elif known is not None and known[0]:
            self.note("trains", node, target)

    def note_hint(self, found: object) -> None:
        """Records what a call says about a network's inputs."""
        from nnlint.script.model import InputHint

        if isinstance(found, InputHint):
            self.record.hints.setdefault((found.kind, found.site), found)

    def note_epochs(self) -> None:
        """Records how often the loop around the loop over the data runs."""
        raise NotImplementedError

    def note_accumulation(self) -> None:
        """Records that the optimiser takes a step only every so many batches."""
        raise NotImplementedError

    def _note_settings(self, path: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> None:
        """Records seeds and switches that are set by calls, and the framework that owns the loop."""
        leaf = path.rpartition(".")[2]
        if leaf in training.SEEDS or path in {"random.seed", "numpy.random.seed"}:
            self.note("seeds", node, path, dict(self.plain({str(i): value for i, value in enumerate(args)} | kwargs)))
        elif path in {"torch.use_deterministic_algorithms", "torch.set_float32_matmul_precision"}:
            self.note_flag(path, args[0] if args else kwargs.get("mode", UNKNOWN))
        elif path == "torch.set_grad_enabled" and args:
            self.note_no_grad(node, args)
        elif path in {"torch.set_default_device", "torch.set_default_tensor_type"} and node.args:
            self.note("device_moves", node, path, {"device": _text(node.args[0])})
        elif leaf in {"Trainer", "Accelerator", "Fabric", "create_supervised_trainer", "TrainingArguments"}:
            self._note_framework(path, leaf, node, kwargs)

    def _note_framework(self, path: str, leaf: str, node: ast.Call, kwargs: dict[str, Value]) -> None:
        root = path.partition(".")[0]
        names = {"pytorch_lightning": "lightning", "lightning": "lightning", "transformers": "transformers"}
        name = {"Accelerator": "accelerate", "Fabric": "fabric", "create_supervised_trainer": "ignite"}.get(leaf)
        name = name or names.get(root)
        if name is None:
            return
        if self.record.framework is None:
            self.record.framework = self.spans.fact(name, node)
        stated = training.facts(kwargs, self.spans, node)
        for key in ("max_epochs", "num_train_epochs"):
            if key in stated and isinstance(stated[key].value, int):
                self.record.epochs[id(node)] = stated[key]
        for key in ("accumulate_grad_batches", "gradient_accumulation_steps"):
            keyword = next((item for item in node.keywords if item.arg == key), None)
            if (
                keyword is not None
                and self.record.accumulation is None
                and not (key in stated and stated[key].value == 1)
            ):
                self.record.accumulation = self.spans.fact(_text(keyword.value), keyword.value)

    def note_flag(self, name: str, value: Value) -> None:
        """Records a switch; one set on a branch only is set to nothing that is known."""
        certain = isinstance(value, Known) and self.branches == 0
        self.record.flag(
            name, self.spans.fact(value.value, value.node) if certain and isinstance(value, Known) else None
        )

    def note_no_grad(self, node: ast.expr, args: list[Value], lines: tuple[int, int] | None = None) -> None:
        """Records that gradients are switched off; for ``set_grad_enabled`` unless it says True."""
        mode = plain_value(args[0]) if args else None
        if mode == (True,):
            return
        arguments: dict[str, object] = {"lines": lines} if lines else {}
        if isinstance(node, ast.Call) and node.args:
            arguments["mode"] = _text(node.args[0])
        target = self.names.dotted(node.func if isinstance(node, ast.Call) else node, self.frame.scope)
        self.note("no_grads", node, target or _text(node), arguments)


def _device(name: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> str | None:
    """The source text of the device that a move goes to; None for a cast (``.to(torch.float16)``)."""
    if name in {"cuda", "cpu", "xpu", "mps"}:
        return _text(node.args[0]) if node.args else name
    for keyword in node.keywords:
        if keyword.arg == "device":
            return _text(keyword.value)
    if not node.args or "dtype" in kwargs:
        return None
    cast = isinstance(args[0], Dotted) and tensors.dtype_of(args[0]) is not None
    like = isinstance(args[0], Tensor | Output)
    return None if cast or like else _text(node.args[0])


def _is_field(item: ast.stmt) -> bool:
    return isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)


def _text(node: ast.AST) -> str:
    return ast.unparse(node)

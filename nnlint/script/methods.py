"""What a method call means, by the method and by what it is called on."""

from __future__ import annotations

import ast
import re

from nnlint.names import name_of_dotted
from nnlint.script import options, tensors, torchnames, training
from nnlint.script.builtin_calls import entries_view
from nnlint.script.definitions import forward_of
from nnlint.script.optimisation import Optimisation
from nnlint.script.scopes import Scope
from nnlint.script.values import (
    UNKNOWN,
    ClassObject,
    Dotted,
    Function,
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
#: methods of a loss that make another number of it
_CALCULATES = frozenset({"div", "div_", "true_divide", "mul", "mul_", "add", "add_", "mean", "sum", "sub"})
#: methods that give the same values
_CASTS = frozenset({"long", "float", "double", "half", "int", "type", "contiguous", "clone", "detach", "pin_memory"})
_FIT = frozenset({"fit", "fit_loop"})
#: methods that make a loader anew, with random batches: those of Opacus
_RESAMPLE = frozenset({"make_private", "make_private_with_epsilon", "from_data_loader"})
_PREPARE = frozenset({"prepare", "setup", "setup_dataloaders", "prepare_model", "prepare_data_loader", "initialize"})


class Methods(Optimisation):
    """Follows method calls."""

    def run_network(self, net: Net, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> Value:
        """The output of a network."""
        raise NotImplementedError

    def _within_network(self) -> bool:
        """Whether the current function is a method of a network: what it calls are that network's own parts."""
        owner = self.frame.scope.parent
        return owner is not None and owner.is_class and self.networks.is_module(owner)

    def step_of(self, output: Output, path: str, node: ast.AST, args: list[Value], kwargs: dict[str, Value]) -> Value:
        """A network's output after a call with arguments; with a second output among them it is no longer one's own."""
        if any(isinstance(value, Output) for value in [*args, *kwargs.values()]):
            return Unknown("", sources_of(output, *args, *kwargs.values()))
        named = {str(index): value for index, value in enumerate(args)} | kwargs
        stepped = self.step(output, path, node, self.plain(named))
        return Output(stepped.network, stepped.path, stepped.steps, sources_of(output, *args, *kwargs.values()))

    def method(
        self, base: Value, name: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]
    ) -> Value | None:
        """The value of a method that means the same whatever object it is called on; None for any other."""
        if isinstance(base, Made) and base.path == "super":
            return self._method_of_super(name, args, kwargs)
        self.note_gradients(base, name, node, args)
        if name in _RESAMPLE:
            self._resampled([*args, *kwargs.values()])
        found = self._training_method(base, name, node, args)
        if found is None and name in _MOVES and not isinstance(base, Dotted | Space | Function | ClassObject):
            found = self._move(base, name, node, args, kwargs)
        if found is None and isinstance(base, Net | Unknown | Output):
            found = self._method_of_followed(base, name, node, args, kwargs)
        return self._method_of_value(base, name, node, args, kwargs) if found is None else found

    def _resampled(self, values: list[Value]) -> None:
        """Records of the loaders among values that what trains draws the samples in another way."""
        for index in {index for value in values if isinstance(value, Loaders) for index in value.ids}:
            found = self.record.loaders[index]
            found.unread = tuple(dict.fromkeys((*found.unread, "sampler")))

    def _training_method(self, base: Value, name: str, node: ast.Call, args: list[Value]) -> Value | None:
        """A method of an optimiser, loss or trainer, whatever object it is called on."""
        if name in {"backward", "manual_backward"}:
            return self._backward(base, node, args)
        if name == "zero_grad":
            self.note("zero_grads", node, self._label(base, node))
            return UNKNOWN
        if name == "step":
            return self._step_method(base, node, args)
        if name == "add_param_group" and isinstance(base, OptimizerObject):
            return self.add_group(base, node, args)
        prepares = name in _PREPARE and not isinstance(base, Instance | Net | Dotted)
        if prepares and any(isinstance(value, Net | OptimizerObject | Loaders | Unknown) for value in args):
            return args[0] if len(args) == 1 else Sequence(tuple(args))
        return None

    def _method_of_followed(
        self, base: Net | Unknown | Output, name: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]
    ) -> Value | None:
        if isinstance(base, Net):
            return self._method_of_network(base, name, node, args, kwargs)
        if isinstance(base, Output):
            return self._method_of_output(base, name, node, args, kwargs)
        if name in {"train", "eval", *_PARAMETERS}:
            return self._method_of_unknown(base, name, node, args, kwargs)
        return None

    def _method_of_value(
        self, base: Value, name: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]
    ) -> Value | None:
        found: Value | None = None
        match base:
            case LossMaker() | Layer():
                found = base
            case LossValue():
                found = Unknown("", base.sources) if name in _NO_VALUE | {"detach"} else base
                if name in _CALCULATES:
                    self.record.combine(base.losses)
            case Space():
                found = self._method_of_space(base, name, node, args, kwargs)
            case Tensor():
                found = tensors.after_method(base, name, args, kwargs)
            case Sequence() if name in {"append", "extend", "insert"}:
                found = self._append(base, node, name, args)
            case Unknown() if base.part is not None and name in _CASTS:
                found = base
            case Made() | Unknown() if name in _FIT:
                self._fit(args, kwargs)
        return found

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
        self.note("backwards", node, ast.unparse(expr))
        self.tests_of_backwards.update(map(id, self.tests))
        self.note_training()
        self.record.backward(losses_of(*values), sources_of(*values), certain=self.branches == 0)
        self.note_epochs()
        return UNKNOWN

    def _step_method(self, base: Value, node: ast.Call, args: list[Value]) -> Value | None:
        assert isinstance(node.func, ast.Attribute)
        name = ast.unparse(node.func.value).lower()
        if isinstance(base, Scheduler) or (isinstance(base, Unknown | Made) and "sched" in name):
            self.note("scheduler_steps", node, self._label(base, node))
            return UNKNOWN
        stepped = next((value for value in args if isinstance(value, OptimizerObject)), None)
        by_name = isinstance(base, Unknown | Made) and "opt" in name
        if isinstance(base, OptimizerObject) or by_name:
            self.note("steps", node, self._label(base, node))
        elif stepped is not None or (node.args and "scaler" in name):  # scaler.step(optimizer)
            self.note("steps", node, self._label(stepped, node) if stepped else ast.unparse(node.args[0]))
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
        if (scheduler := self.label_of_scheduler(base)) is not None:
            return scheduler
        assert isinstance(node.func, ast.Attribute)
        return ast.unparse(node.func.value)

    def _move(
        self, base: Value, name: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]
    ) -> Value | None:
        device = _device(name, node, args, kwargs)
        if device is not None:
            self.note("device_moves", node, self._label(base, node), {"device": device, **self._resolved(node, args)})
        if isinstance(base, Tensor):
            return tensors.after_method(base, name, args, kwargs)
        if isinstance(base, Output):
            return base if device is not None else self.step_of(base, f"torch.Tensor.{name}", node, args, kwargs)
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
        return {"resolved": ast.unparse(found[1][0].value)}

    def _method_of_network(
        self, base: Net, name: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]
    ) -> Value | None:
        if name in _PARAMETERS:
            return Parameters((base.name,))
        if name in {"train", "eval"} and not self._defines(base, name):
            self.note_mode(base.name, name, node, args, kwargs)
            return base
        if name in {"forward", "__call__"} or (base.scope is not None and name == self._forward_name(base.scope)):
            return self.run_network(base, node, args, kwargs)
        if name == "save_hyperparameters" and base.scope is not None:
            entries = {key: value for key, value in self.frame.variables.items() if key != "self"}
            self.network_attributes.setdefault(base.scope, {})["hparams"] = Space(entries)
            return UNKNOWN
        if name in torchnames.SELF_METHODS and not self._defines(base, name):
            return base
        if not self._defines(base, name) and name in _FIT | {"evaluate", "predict", "freeze", "unfreeze", "score"}:
            self.modes.forget(base.name)
        if name not in torchnames.MODULE_METHODS and not self._within_network():
            self.note_forward(base, node, args, kwargs)  # a method of its own: `model.encode(x)`
        return None

    def _forward_name(self, scope: Scope) -> str | None:
        forward = forward_of(self.networks, scope)
        return forward.name if forward else None

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

    def looks_like_network(self, value: Unknown, node: ast.expr) -> bool:
        """Whether an unknown value that is called is a network, by its uses or by its name."""
        if not value.name or value.sources:
            return False
        key = self.evidence.key(node, self.frame.scope)
        if key is not None and self.evidence.is_network(key):
            return True
        return bool(_NETWORK_NAME.search(value.name.rpartition(".")[2]))

    def _method_of_output(
        self, base: Output, name: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]
    ) -> Value | None:
        if name in _NO_VALUE:
            return Unknown("", base.sources)
        if not base.steps and name_of_dotted(f"torch.Tensor.{name}") is None:
            return Unknown("", base.sources)
        return self.step_of(base, f"torch.Tensor.{name}", node, args, kwargs)

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


def _device(name: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> str | None:
    """The source text of the device that a move goes to; None for a cast (``.to(torch.float16)``)."""
    if name in {"cuda", "cpu", "xpu", "mps"}:
        return ast.unparse(node.args[0]) if node.args else name
    for keyword in node.keywords:
        if keyword.arg == "device":
            return ast.unparse(keyword.value)
    if not node.args or "dtype" in kwargs:
        return None
    first = args[0] if args else None  # nothing is known of what a starred argument holds
    cast = isinstance(first, Dotted) and tensors.dtype_of(first) is not None
    like = isinstance(first, Tensor | Output)
    return None if cast or like else ast.unparse(node.args[0])

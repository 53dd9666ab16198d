"""What is noted on the way: modes, moves, seeds, switches, frameworks, epochs, hints."""

from __future__ import annotations

import ast
import re

from nnlint.recipe import Call
from nnlint.script import torchnames, training
from nnlint.script.hints import tensors_in
from nnlint.script.model import InputHint
from nnlint.script.operators import Operators
from nnlint.script.scopes import Scope
from nnlint.script.values import (
    UNKNOWN,
    Known,
    Made,
    Value,
    batches_of,
    plain_value,
)
from nnlint.site import Fact

_EPOCH = re.compile(r"epoch|^ep$", re.IGNORECASE)
#: libraries' functions that join the batches of several devices in every batch norm
_SYNCHRONISING = frozenset({"convert_sync_batchnorm", "convert_syncbn_model"})


class Notes(Operators):
    """Writes into the record."""

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
            self.modes.set(target, "eval", node, self.loops_around())
        elif known is not None and known[0]:
            self.note("trains", node, target)
            self.modes.set(target, "train", node, self.loops_around())
        else:
            self.modes.forget(target)

    def note_hint(self, found: object) -> None:
        """Records what a call says about a network's inputs."""
        if isinstance(found, InputHint):
            self.record.hints.setdefault((found.kind, found.site), found)

    def _note_example(self, target: ast.Name | ast.Attribute, value: Value) -> None:
        specs = tensors_in(value)
        scope: Scope | None = self.frame.scope
        while scope is not None and not scope.is_class:
            scope = scope.parent
        if specs:
            owner = scope.name if scope is not None else None
            hint = InputHint("example-input", specs, self.spans.of(target), owner)
            self.note_hint(hint)

    def note_epochs(self) -> None:
        """Records how often the loop around the loop over the data runs, where the source states it."""
        over_data = [index for index, (_, value, _) in enumerate(self.rounds) if batches_of(value)]
        outer = self.rounds[: over_data[-1]] if over_data else self.rounds
        for node, _, count in reversed(outer):
            named = isinstance(node, ast.For) and (
                (isinstance(node.target, ast.Name) and _EPOCH.search(node.target.id))
                or _EPOCH.search(ast.unparse(node.iter))
            )
            if count is not None and (named or over_data):
                self.record.epochs[id(node), count.value] = count
                return

    def _count(self, iterated: Value) -> Fact[int] | None:
        """How often a loop over a range runs, with the expression that states it."""
        if not isinstance(iterated, Made) or iterated.path != "range" or len(iterated.args) not in {1, 2}:
            return None
        stop, start = iterated.args[-1], iterated.args[0] if len(iterated.args) == 2 else None
        first = start.value if isinstance(start, Known) else 0
        if not isinstance(stop, Known) or type(stop.value) is not int or type(first) is not int:
            return None
        if start is not None and not isinstance(start, Known):
            return None
        stated: ast.AST = stop.node if first == 0 else iterated.node
        if first == 1 and isinstance(stop.node, ast.BinOp) and _is_one(stop.node.right):  # range(1, epochs + 1)
            inner = self.evaluate(stop.node.left)
            stated = inner.node if isinstance(inner, Known) and inner.value == stop.value - 1 else stated
        return self.spans.fact(stop.value - first, stated)

    def note_accumulation(self) -> None:
        """Records that the optimiser takes a step only every so many batches.

        Where ``backward()`` is called every so many batches too (a generator that is trained at every fifth), nothing
        is accumulated.
        """
        for test in self.tests:
            if id(test) in self.tests_of_backwards:
                continue
            counts = any(isinstance(part, ast.Mod) for part in ast.walk(test))
            if counts and self.record.accumulation is None:
                self.record.accumulation = self.spans.fact(ast.unparse(test), test)

    def _note_settings(self, path: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value]) -> None:
        """Records seeds and switches that are set by calls, and the framework that owns the loop."""
        leaf = path.rpartition(".")[2]
        if leaf in training.SEEDS or path in {"random.seed", "numpy.random.seed"}:
            stated = self.plain({str(index): value for index, value in enumerate(args)} | kwargs)
            self.note("seeds", node, path, {name: value for name, value in stated if value is not None})
        elif path.startswith(("random.", "numpy.random.")):
            self.note("draws", node, path)
        elif path in {"torch.use_deterministic_algorithms", "torch.set_float32_matmul_precision"}:
            self.note_flag(path, args[0] if args else kwargs.get("mode", UNKNOWN))
            if "warn_only" in kwargs:
                self.note_flag(f"{path}.warn_only", kwargs["warn_only"])
        elif path == "torch.backends.cudnn.flags":  # a block with other switches
            for name in kwargs:
                self.note_flag(f"torch.backends.cudnn.{name}", UNKNOWN)
        elif leaf in training.CLIPS:
            self.note("clips", node, ast.unparse(node.args[0]) if node.args else "")
        elif path == "torch.set_grad_enabled" and args:
            self.note_no_grad(node, args)
        elif path in torchnames.WRAPPERS or leaf in _SYNCHRONISING:
            devices = args[1:2] or [value for name, value in kwargs.items() if name == "device_ids"]
            self.note("wraps", node, path, dict(self.plain({"device_ids": devices[0]} if devices else {})))
        elif path in {"torch.set_default_device", "torch.set_default_tensor_type"} and node.args:
            self.note("device_moves", node, path, {"device": ast.unparse(node.args[0])})
        elif leaf in {"Trainer", "Accelerator", "Fabric", "create_supervised_trainer", "TrainingArguments"}:
            self._note_framework(path, leaf, node, kwargs)

    def _note_framework(self, path: str, leaf: str, node: ast.Call, kwargs: dict[str, Value]) -> None:
        root = path.partition(".")[0]
        names = {"pytorch_lightning": "lightning", "lightning": "lightning", "transformers": "transformers"}
        if plain_value(kwargs.get("sync_batchnorm", UNKNOWN)) == (True,):
            self.note("wraps", node, "torch.nn.SyncBatchNorm.convert_sync_batchnorm")
        name = {"Accelerator": "accelerate", "Fabric": "fabric", "create_supervised_trainer": "ignite"}.get(leaf)
        name = name or names.get(root)
        if name is None:
            return
        if self.record.framework is None:
            self.record.framework = self.spans.fact(name, node)
        stated = training.facts(kwargs, self.spans, node)
        for key in ("max_epochs", "num_train_epochs"):
            if key in stated and isinstance(stated[key].value, int):
                self.record.epochs[id(node), stated[key].value] = stated[key]
        for key in ("accumulate_grad_batches", "gradient_accumulation_steps"):
            keyword = next((item for item in node.keywords if item.arg == key), None)
            if (
                keyword is not None
                and self.record.accumulation is None
                and not (key in stated and stated[key].value == 1)
            ):
                self.record.accumulation = self.spans.fact(ast.unparse(keyword.value), keyword.value)

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
            arguments["mode"] = ast.unparse(node.args[0])
        target = self.names.dotted(node.func if isinstance(node, ast.Call) else node, self.frame.scope)
        self.note("no_grads", node, target or ast.unparse(node), arguments)


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1

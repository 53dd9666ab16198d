"""A layer that runs is not registered: it is in a plain list or dict, or made in `forward`.

`nn.Module` registers what is assigned to an attribute if it is a module; it does not look into lists, tuples and dicts.
A layer held there runs like any other, and is in nothing else: not in `parameters()`, so the optimiser never moves it;
not in `state_dict()`, so a checkpoint does not have it; and `to(device)`, `train()` and `eval()` pass it by. A layer
made in `forward` is drawn anew in every pass, and one that stands outside the network as a global is as unknown to it.

What to do: hold modules in `nn.ModuleList` or `nn.ModuleDict`; make layers in `__init__` and assign them to attributes.

What it costs: the layers stay as they were drawn: the message says how many parameters are not trained. On a GPU the
run ends in an error, for they are still on the CPU.

What is known today: the documentation of `torch.nn.ModuleList` and `torch.nn.ModuleDict` says that what they hold is
registered and seen by all methods of `nn.Module`; they are indexed and looped over as lists and dicts are.

Quiet when: the parameters are frozen or shared with a registered layer; when the layer runs under `torch.no_grad()` (a
teacher kept out of the checkpoint); when a module made elsewhere is put into a list of its own, or into `__dict__`,
which is how a reference is hidden on purpose; when a layer is made once, in the first pass, and kept; when what is made
is given the layers of another, and its own never run.

The fix is unsafe: the list becomes an `nn.ModuleList` (a dict an `nn.ModuleDict`), which adds its layers to the
state_dict and to what is trained.
"""

import ast
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from nnlint.edits import in_scope, text_of
from nnlint.edits.source import Source, source_of
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.rule import bad, fix, good, graph_rule
from nnlint.site import of_node

#: a parameter made in the recorded pass
_MADE = "torch.nn.parameter.Parameter"
_LIST = ast.List | ast.ListComp | ast.Tuple
_DICT = ast.Dict | ast.DictComp


@graph_rule(category="network", level="error", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    for holder, ops in _unregistered(graph).items():
        first = ops[0]
        params = sum({p.key: p.numel for op in ops for p in op.params}.values())
        lost = f"its {params:,} parameters are not trained, not saved and not moved"
        if "[" in first.path:
            held = _assigned(first)
            if held is None or not _is_hidden_on_purpose(held[1]):
                site = of_node(held[0].file, held[0].lines, held[1]) if held else first.site or first.call_site
                message = f"`{holder}` is a plain container, and the network does not know the modules in it: {lost}"
                yield replace(first.finding(f"{message}; make it an nn.ModuleList or nn.ModuleDict"), site=site)
        elif holder.rpartition(".")[2][:1].isupper():  # called by its class: no attribute of the network holds it
            message = f"{first} is no module of the network that calls it: {lost}; assign it to an attribute"
            yield replace(first.finding(message, params=params), site=first.call_site or first.site, level="warning")
    for op in graph.ops:
        if op.name == _MADE and _is_read(op) and not _is_kept(op) and not _is_frozen(op):
            yield op.finding("its weights are made anew in every forward pass and never trained: make it in __init__")


@fix(safe=False)
def mend(finding: Finding) -> Edit | None:
    held = _assigned(finding.subjects[0]) if "[" in finding.subjects[0].path else None
    if held is None or not isinstance(held[1], _LIST | _DICT):
        return None
    source, value = held
    name = in_scope(source, "nn.ModuleDict" if isinstance(value, _DICT) else "nn.ModuleList")
    start, end = source.start(value), source.end(value)
    held_now = source.text[start:end] if not isinstance(value, ast.List) or value.elts else ""
    return source.edit(start, end, f"{name}({held_now})") if name else None


def _unregistered(graph: Graph) -> dict[str, list[Op]]:
    """The layers whose trainable parameters are none of the network's, by what holds them."""
    found: dict[str, list[Op]] = {}
    for op in graph.ops:
        strange = any(param.trainable and param.key >= len(graph.parameters) for param in op.params)
        if op.module is not None and op.grad and strange:
            found.setdefault(op.path.partition("[")[0], []).append(op)
    return found


def _is_read(op: Op) -> bool:
    """Whether anything is computed with it, but for drawing it."""
    return any(not user.inplace or _is_read(user) for user in op.users)


def _is_kept(op: Op) -> bool:
    """Whether the network holds it after the pass, as it is or drawn anew in place."""
    return op.observed or any(user.inplace and _is_kept(user) for user in op.users)


def _is_frozen(op: Op) -> bool:
    text = text_of(op.site) if op.site is not None else None
    return text is not None and "requires_grad=False" in text


def _assigned(op: Op) -> tuple[Source, ast.expr] | None:
    """The expression assigned to the attribute whose container holds an op's module; None if it is not certain."""
    name = op.path.partition("[")[0].rpartition(".")[2]
    source = source_of(op.site or op.call_site)
    values = [] if source is None else [value for target, value in _assignments(source) if target == name]
    if len(values) > 1 and source is not None and op.site is not None:
        values = [value for value in values if of_node(source.file, source.lines, value).contains(op.site)]
    return (source, values[0]) if source is not None and len(values) == 1 else None


def _assignments(source: Source) -> Iterator[tuple[str, ast.expr]]:
    """The attributes of ``self`` that a file assigns, with their values."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
                    yield target.attr, node.value


def _is_hidden_on_purpose(value: ast.expr) -> bool:
    """``[encoder]``: a container that holds one thing made elsewhere."""
    return isinstance(value, ast.List | ast.Tuple) and len(value.elts) == 1 and isinstance(value.elts[0], ast.Name)


@bad(input="16")
def layers_in_a_list() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = [nn.Linear(16, 16) for _ in range(3)]
            self.head = nn.Linear(16, 4)

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.hidden:
                x = torch.relu(layer(x))
            out: Tensor = self.head(x)
            return out

    return Net()


@bad(input="16")
def heads_in_a_dict() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(16, 16)
            self.heads = {"mean": nn.Linear(16, 4), "spread": nn.Linear(16, 4)}

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            x = torch.relu(self.body(x))
            return self.heads["mean"](x), self.heads["spread"](x)

    return Net()


@bad(input="16")
def appended_one_by_one() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.appended = []
            for _ in range(2):
                self.appended.append(nn.Linear(16, 16))
            self.head = nn.Linear(16, 4)

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.appended:
                x = torch.relu(layer(x))
            out: Tensor = self.head(x)
            return out

    return Net()


@bad(input="3x16x16")
def made_in_forward() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            x = torch.relu(self.conv(x)).mean((2, 3))
            head = nn.Linear(x.shape[1], 4)
            out: Tensor = head(x)
            return out

    return Net()


@good(input="16")
def layers_in_a_module_list() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(16, 16) for _ in range(3))
            self.head = nn.Linear(16, 4)

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = nn.functional.relu(layer(x), inplace=True)
            out: Tensor = self.head(x)
            return out

    return Net()


@good(input="16")
def heads_in_a_module_dict() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(16, 16)
            self.outputs = nn.ModuleDict({"mean": nn.Linear(16, 4), "spread": nn.Linear(16, 4)})

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            x = nn.functional.relu(self.body(x), inplace=True)
            return self.outputs["mean"](x), self.outputs["spread"](x)

    return Net()


@good(input="16")
def a_list_of_registered_modules() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(16, 16)
            self.second = nn.Linear(16, 4)
            self.order = [self.first, nn.ReLU(inplace=True), self.second]

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.order:
                x = layer(x)
            return x

    return Net()


@good(input="16")
def a_frozen_teacher_kept_out_of_the_checkpoint() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.teacher = [nn.Linear(16, 4).requires_grad_(False)]
            self.student = nn.Linear(16, 4)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.student(x), self.teacher[0](x)

    return Net()


@good(input="16")
def a_teacher_without_gradients() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.guides = [nn.Linear(16, 4)]
            self.student = nn.Linear(16, 4)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            with torch.no_grad():
                wanted = self.guides[0](x)
            return self.student(x), wanted

    return Net()


@good(input="16")
def made_once_when_the_width_is_known() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(16, 32)
            self.top: nn.Linear | None = None

        def forward(self, x: Tensor) -> Tensor:
            x = nn.functional.relu(self.body(x), inplace=True)
            if self.top is None:
                self.top = nn.Linear(x.shape[1], 4)
            out: Tensor = self.top(x)
            return out

    return Net()


@good(input="16")
def made_anew_around_the_layers_of_another() -> nn.Module:
    class Block(nn.Module):
        def __init__(self, negative_slope: float) -> None:
            super().__init__()
            self.linear = nn.Linear(16, 16)
            self.negative_slope = negative_slope

        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.leaky_relu(self.linear(x), self.negative_slope, inplace=True)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = Block(0.2)
            self.head = nn.Linear(16, 4)

        def forward(self, x: Tensor) -> Tensor:
            other = Block(0.01)
            other.linear = self.block.linear
            self.block = other
            out: Tensor = self.head(self.block(x))
            return out

    return Net()


@good(input="16")
def a_reference_hidden_on_purpose() -> nn.Module:
    class Wrapper(nn.Module):
        def __init__(self, encoder: nn.Module) -> None:
            super().__init__()
            self.reference = [encoder]
            self.head = nn.Linear(16, 4)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.head(nn.functional.relu(self.reference[0](x), inplace=True))
            return out

    return Wrapper(nn.Linear(16, 16))

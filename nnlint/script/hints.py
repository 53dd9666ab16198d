"""`InputHint`s: what a file says about the inputs of its networks."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from nnlint.script.inputs import parse_inputs
from nnlint.script.model import InputHint, InputSpec
from nnlint.script.spans import Spans
from nnlint.script.state import State
from nnlint.script.tensors import integers
from nnlint.script.values import Net, Sequence, Space, Tensor, Value
from nnlint.site import Site

#: libraries whose `input_size` counts the batch axis
_BATCHED_SUMMARY = frozenset({"torchinfo", "torchview"})
_ORDER = ("comment", "example-input", "call", "dataset", "transform")
_COMMENT = re.compile(r"#\s*nnlint:\s*input\s*=\s*(.*)$")
_SIZE_FUNCTIONS = frozenset({"summary", "get_model_complexity_info", "summary_string"})


def call_hint(
    network: str, node: ast.Call, args: list[Value], kwargs: dict[str, Value], spans: Spans, path: str = ""
) -> InputHint | None:
    """What a call of a network (or of a function that is given one) says about its inputs, if it says anything.

    Args:
        network: the network that is called; "" where ``path`` is called with the network as an argument.
    """
    if path:
        given = next((value for value in [*args, *kwargs.values()] if isinstance(value, Net)), None)
        if given is None:
            return None
        network = given.name
        if path.rpartition(".")[2] in _SIZE_FUNCTIONS:
            sized = _sized(path, args, kwargs)
            if sized:
                return InputHint("call", sized, spans.of(node), network or None, node)
        args, kwargs = _handed_tensors([*args, *kwargs.values()]), {}
    specs = [_spec(value, None) for value in args] + [_spec(value, name) for name, value in kwargs.items()]
    if not any(map(_holds_tensor, [*args, *kwargs.values()])):
        return None
    complete = all(spec is not None for spec in specs)
    known = tuple(spec for spec in specs if spec is not None) if complete else ()
    return InputHint("call", known, spans.of(node), network or None, node)


def _holds_tensor(value: Value) -> bool:
    """Whether a value is a tensor the source makes, or a list or dict with one in it."""
    if isinstance(value, Sequence):
        return any(map(_holds_tensor, value.items))
    if isinstance(value, Space):
        return any(map(_holds_tensor, value.entries.values()))
    return isinstance(value, Tensor)


def _handed_tensors(args: list[Value]) -> list[Value]:
    """The tensors given beside a network: ``export(model, dummy, "file")``, ``profile(model, (a, b))``."""
    for value in args:
        if isinstance(value, Tensor):
            return [value]
        if isinstance(value, Sequence) and value.items and all(isinstance(item, Tensor) for item in value.items):
            return list(value.items)
    return []


def _spec(value: Value, name: str | None) -> InputSpec | None:
    if not isinstance(value, Tensor) or value.shape is None:
        return None
    return InputSpec(value.shape, value.dtype, name, batched=True, high=value.high)


def _sized(path: str, args: list[Value], kwargs: dict[str, Value]) -> tuple[InputSpec, ...]:
    """The sizes that ``summary(model, (3, 32, 32))`` states."""
    batched = path.partition(".")[0] in _BATCHED_SUMMARY
    given = kwargs.get("input_size", kwargs.get("input_res", args[1] if len(args) > 1 else None))
    if not isinstance(given, Sequence):
        return ()
    several = [integers([item]) for item in given.items if isinstance(item, Sequence)]
    shapes = several if several else [integers([given])]
    if not shapes or any(shape is None for shape in shapes):
        return ()
    return tuple(InputSpec(shape, batched=batched) for shape in shapes if shape is not None)


def tensors_in(value: Value) -> tuple[InputSpec, ...]:
    """The example inputs that a value is: a tensor, a tuple of them, or a dict of them by keyword."""
    if isinstance(value, Sequence) and not value.open:
        specs = [_spec(item, None) for item in value.items]
    elif isinstance(value, Space):
        specs = [_spec(item, str(name)) for name, item in value.entries.items()]
    else:
        specs = [_spec(value, None)]
    return tuple(spec for spec in specs if spec is not None) if all(specs) else ()


def _comments(state: State) -> Iterator[InputHint]:
    """The comments ``# nnlint: input=3x224x224``; one on the line of a class, or of a build, is for that network.

    Raises:
        InputError: if what stands after ``input=`` is no input.
    """
    if not any("nnlint" in line and "input" in line for line in state.spans.lines):
        return
    owners = _owners(state)
    for token in tokenize.generate_tokens(io.StringIO("\n".join(state.spans.lines)).readline):
        match = _COMMENT.match(token.string) if token.type == tokenize.COMMENT else None
        if match:
            line, column = token.start
            site = Site(state.spans.path, line, column + 1, line, column + 1 + len(token.string))
            text = match[1].partition("--")[0].strip()
            alone = not token.line[:column].strip()
            yield InputHint("comment", parse_inputs(text, str(site)), site, owners.get(line + alone))


def _owners(state: State) -> dict[int, str]:
    """Line → the network class that starts there."""
    return {
        scope.node.lineno: scope.name
        for scope in state.names.module.walk()
        if isinstance(scope.node, ast.ClassDef) and state.networks.is_network(scope)
    }


def find_hints(state: State) -> tuple[InputHint, ...]:
    """Everything a file says about its networks' inputs, the strongest evidence first, each in order of the source."""
    found = [*_comments(state), *state.record.hints.values()]
    return tuple(sorted(found, key=lambda hint: (_ORDER.index(hint.kind), hint.site)))

"""The example inputs that somebody states, strongest evidence first: the command line, the file, the network itself."""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from nnlint.errors import InputError
from nnlint.examine.scoping import is_another, is_certain
from nnlint.inputs.search import Evidence, Proposal
from nnlint.inputs.template import leaves, to_template
from nnlint.load.building import building
from nnlint.load.candidate import Candidate
from nnlint.load.places import Places
from nnlint.script.inputs import parse_inputs
from nnlint.script.model import InputHint, InputSpec, Script
from nnlint.settings import Settings

#: a call's arguments are evaluated only where they are no larger than this many numbers
_MOST_NUMBERS = 20_000_000


def explicit_inputs(settings: Settings) -> list[Proposal]:
    """What ``--input`` and ``--input-fn`` say.

    Raises:
        InputError: if an input cannot be parsed, or the function not be found or called.
    """
    batch = settings.batch_size or 2
    found = []
    if settings.inputs:
        specs = [spec for text in settings.inputs for spec in parse_inputs(text, settings.input_source)]
        found.append(_of_specs(specs, settings.input_source, "explicit", batch))
    if settings.input_fn:
        args, kwargs = _spread(_call(settings.input_fn))
        found.append(Proposal(args, kwargs, f"--input-fn {settings.input_fn}", "explicit", batch))
    return found


def stated_inputs(script: Script, candidate: Candidate, *, alone: bool, batch: int) -> list[Proposal]:
    """What the file and the network say about the network's inputs.

    Args:
        alone: the file has no other network: what it says of no network in particular is then said of this one.
    """
    found = list(_hinted(script, candidate, ("comment",), alone, batch))
    found += carried_inputs(candidate.module, batch)
    found += _hinted(script, candidate, ("example-input", "call"), alone, batch)
    found += _hinted(script, candidate, ("dataset", "transform"), alone, batch)
    return found


def _of_specs(specs: Iterable[InputSpec], source: str, evidence: Evidence, batch: int) -> Proposal:
    args = tuple(to_template(spec, batch) for spec in specs if spec.name is None)
    kwargs = {spec.name: to_template(spec, batch) for spec in specs if spec.name is not None}
    return Proposal(args, kwargs, source, evidence, batch)


def _hinted(
    script: Script, candidate: Candidate, kinds: tuple[str, ...], alone: bool, batch: int
) -> Iterator[Proposal]:
    places = Places(script.tree)
    for hint in script.hints:
        if hint.node is not None and places.is_to_fail(hint.node):
            continue
        if hint.kind not in kinds or (hint.network is not None and not _meant(script, hint, candidate)):
            continue
        evidence: Evidence = "dataset" if hint.kind == "transform" else hint.kind
        source = f"{_SOURCES[hint.kind]} at {Path(hint.site.file).name}:{hint.site.line}"
        proposal = _called(hint, candidate, source, batch) if hint.node is not None else None
        if proposal is None and hint.inputs:
            proposal = _of_specs(hint.inputs, source, evidence, batch)
        if proposal is not None:
            sure = alone if hint.network is None else is_certain(script, hint.network, hint.site, candidate)
            binding = hint.kind != "transform" and sure
            yield replace(proposal, binding=binding)


_SOURCES = {
    "comment": "comment",
    "example-input": "example input",
    "call": "call",
    "dataset": "data set",
    "transform": "transform",
}


def _meant(script: Script, hint: InputHint, candidate: Candidate) -> bool:
    name = hint.network or ""
    classes = {cls.__name__ for cls in type(candidate.module).__mro__}
    if name == candidate.name or name.rpartition(".")[2] in classes:
        return True
    return name in candidate.variables and not is_another(script, name, hint.site, candidate)


def _called(hint: InputHint, candidate: Candidate, source: str, batch: int) -> Proposal | None:
    """The arguments of a call, evaluated; None where one cannot be, or where it is no call of the network itself."""
    assert hint.node is not None
    node = hint.node
    if hint.inputs and len(hint.inputs) != len(node.args) + len(node.keywords):
        return None  # add_graph(net, x): the network is an argument
    if any(isinstance(arg, ast.Starred) for arg in node.args) or any(word.arg is None for word in node.keywords):
        return None
    try:
        args = tuple(_evaluated(arg, candidate) for arg in node.args)
        kwargs = {word.arg: _evaluated(word.value, candidate) for word in node.keywords if word.arg}
    except (Exception, SystemExit):
        return None  # the source says less than it seemed to: nothing is wrong with it
    values = leaves((args, kwargs))
    plain = all(isinstance(value, torch.Tensor | int | float | bool | str | None) for value in values)
    if not plain or not any(isinstance(value, torch.Tensor) for value in values):
        return None
    return Proposal(args, kwargs, source, "call", batch)


def _evaluated(node: ast.expr, candidate: Candidate) -> Any:
    code = compile(ast.Expression(node), "<input>", "eval")
    with torch.no_grad():
        with building():  # a large tensor has no numbers, and moving one to another device is nothing
            shaped = eval(code, dict(candidate.namespace))
        tensors = [leaf for leaf in leaves(shaped) if isinstance(leaf, torch.Tensor)]
        if sum(tensor.numel() for tensor in tensors) > _MOST_NUMBERS or not any(t.is_meta for t in tensors):
            return shaped
        try:
            return eval(code, dict(candidate.namespace))
        except Exception:
            return shaped


def carried_inputs(module: nn.Module, batch: int = 2) -> list[Proposal]:
    """What the network carries itself: Lightning's ``example_input_array``, or ``example_inputs``."""
    found = []
    for name in ("example_input_array", "example_inputs", "example_input"):
        value = getattr(module, name, None)
        if any(isinstance(leaf, torch.Tensor) for leaf in leaves(value)):
            args, kwargs = _spread(value)
            found.append(Proposal(args, kwargs, f"{type(module).__name__}.{name}", "example-input", batch))
    return found


def _spread(value: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A tuple stands for the positional arguments, a dict for the keyword ones; anything else is the only argument."""
    if isinstance(value, tuple):
        if len(value) == 2 and isinstance(value[0], tuple) and isinstance(value[1], dict):
            return value[0], value[1]
        return value, {}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return (), value
    return (value,), {}


def _call(target: str) -> Any:
    module, _, name = target.rpartition(":")
    if not module or not name:
        raise InputError(f"{target!r} names no function", where="--input-fn", help="write module:function")
    try:
        function = getattr(_imported(module), name)
    except (ImportError, OSError, AttributeError) as error:
        raise InputError(f"cannot find {target!r}: {error}", where="--input-fn") from error
    try:
        return function()
    except Exception as error:
        raise InputError(f"{target} raised {type(error).__name__}: {error}", where="--input-fn") from error


def _imported(name: str) -> ModuleType:
    if not name.endswith(".py"):
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(f"nnlint_input_{Path(name).stem}", name)
    if spec is None or spec.loader is None:
        raise ImportError(f"no Python file {name}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

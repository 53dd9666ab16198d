"""What is measured of one network, in a process of its own."""

from __future__ import annotations

import copy
import ctypes
import gc
import os
import random
import statistics
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from compare import State, difference
from entry import Entry, Inputs
from torch import nn
from torch.utils._pytree import tree_map_only

from nnlint.graph import Graph


@dataclass
class Result:
    """One row of the table. ``stage`` is ``ok`` or the first step that failed, ``cause`` why."""

    collection: str
    name: str
    stage: str = "build"
    cause: str = ""
    parameters: int = 0
    max_difference: float = 0.0
    #: the recorded module on other values than it was recorded with: "equal", or what differs
    other_values: str = ""
    ops: int = 0
    unnamed: dict[str, int] = field(default_factory=dict)
    #: "meta", "needs values" (a plain forward on meta fails too) or "lost" (only the recording fails)
    meta: str = ""
    meta_cause: str = ""
    #: where the forward runs that time and memory are compared with: "meta", or "cpu" if it does not run on meta
    beside: str = ""
    #: recording and graph ÷ one forward
    time_ratio: float | None = None
    forward_seconds: float = 0.0
    #: the same for the growth of the resident memory, in MB, of a fresh process
    forward_mb: float | None = None
    trace_mb: float | None = None
    findings: list[tuple[str, str, str, str]] = field(default_factory=list)
    lint_cause: str = ""


def measure(collection: str, entry: Entry, *, eager_only: bool = False, costs: bool = True) -> dict[str, Any]:
    """Everything about one network, as plain data.

    Args:
        eager_only: only see whether it runs.
        costs: also record it on meta, and measure time and memory; forks.
    """
    result = Result(collection, entry.name)
    try:
        _measure(result, entry, eager_only)
        if costs and result.stage == "ok" and not eager_only:
            _on_meta(result, entry)
    except BaseException as error:
        result.cause = _cause(error)
    return asdict(result)


def _measure(result: Result, entry: Entry, eager_only: bool) -> None:
    model = _built(entry)
    result.parameters = sum(parameter.numel() for parameter in model.parameters())
    result.stage = "eager"
    expected = _run(model, _inputs(entry, model, 1), 1)
    expected = _run(model, _inputs(entry, model, 1), 1)  # again: some networks fill a cache on the first run
    if eager_only:
        result.stage = "ok"
        return
    result.stage = "record"
    from nnlint.trace.build import build_graph
    from nnlint.trace.record import record

    args, kwargs = _inputs(entry, model, 1)
    with _mode(model, _inputs(entry, model, 1)):
        _seed(1)
        before = State.of(model)
        recorded = record(model, args, kwargs)
    after = State.of(model)
    result.stage = "run"
    got = _run(recorded, _inputs(entry, model, 1), 1)
    result.stage = "equal"
    result.max_difference, unlike = difference(got, expected)
    if unlike:
        raise UnlikeError(unlike)
    result.stage = "unchanged"
    if changed := before.changed(after):
        raise UnlikeError(changed)
    result.stage = "graph"
    graph = build_graph(recorded, model=model, name=entry.name)
    result.ops = len(graph.ops)
    for op in graph.ops:
        if "." in op.name:
            result.unnamed[op.name] = result.unnamed.get(op.name, 0) + 1
    unique = sum(parameter.numel() for parameter in model.parameters())
    if graph.params != unique:
        raise UnlikeError(f"{graph.params} parameters instead of {unique}")
    result.stage = "ok"
    result.other_values = _on_other_values(entry, model, recorded)
    _lint(result, entry, model)


class UnlikeError(Exception):
    """Something is not what it should be."""


def _inputs(entry: Entry, model: nn.Module, seed: int) -> Inputs:
    _seed(seed)
    return entry.inputs(model)


def _run(model: Callable[..., Any], inputs: Inputs, seed: int) -> Any:
    _seed(seed)
    with torch.no_grad():
        return model(*inputs[0], **inputs[1])


def _again(inputs: Inputs) -> Inputs:
    """The same tensors in lists and dicts of their own: some networks write into those."""
    copied: Inputs = tree_map_only(torch.Tensor, lambda tensor: tensor, inputs)
    return copied


def _call(model: Callable[..., Any], inputs: Inputs) -> Any:
    args, kwargs = _again(inputs)
    return model(*args, **kwargs)


def _seed(seed: int) -> None:
    import numpy

    torch.manual_seed(seed)
    random.seed(seed)
    numpy.random.seed(seed)


def _built(entry: Entry) -> nn.Module:
    _seed(0)
    model = entry.build().eval()
    if any(map(nn.parameter.is_lazy, model.parameters())):
        _run(model, _inputs(entry, model, 0), 0)
    _perturb(model)
    return model


def _perturb(model: nn.Module) -> None:
    """Small random weights where they were zero, one or left unset, so that no branch of the network is dead."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.is_floating_point() and parameter.numel():
                if not parameter.isfinite().all() or parameter.abs().max() > 1e3:
                    parameter.zero_()
                parameter.add_(0.01 * torch.randn_like(parameter))
        for buffer in model.buffers():
            if buffer.is_floating_point() and not buffer.isfinite().all():
                buffer.nan_to_num_(0.0)


def _on_other_values(entry: Entry, model: nn.Module, recorded: nn.Module) -> str:
    try:
        expected = _run(model, _inputs(entry, model, 2), 2)
        return difference(_run(recorded, _inputs(entry, model, 2), 2), expected)[1] or "equal"
    except BaseException as error:
        return _cause(error)


def _lint(result: Result, entry: Entry, model: nn.Module) -> None:
    import nnlint

    try:
        args, kwargs = _inputs(entry, model, 1)
        with _mode(model, _inputs(entry, model, 1)):
            report = nnlint.lint(model, args, kwargs)
    except BaseException as error:
        result.lint_cause = _cause(error)
        return
    result.lint_cause = "; ".join(report.failed)
    result.findings = [
        (finding.rule, str(finding.level), ", ".join(finding.paths[:2]), finding.message) for finding in report
    ]


def _mode(model: nn.Module, inputs: Inputs) -> AbstractContextManager[Any]:
    """With gradients, as a user runs it, but for what runs on the CPU only without them (flex attention)."""
    try:
        _call(model, inputs)
    except NotImplementedError:
        return torch.no_grad()
    return nullcontext()


def graph_of(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Graph:
    """The graph of a model as a linted file's is made: with the constructor calls known from building it."""
    from nnlint.trace.build import build_graph
    from nnlint.trace.record import record

    return build_graph(record(model, args, kwargs, sites={}, compile=False), model=model)


def to_meta(model: nn.Module, inputs: Inputs) -> tuple[nn.Module, Inputs]:
    """A copy without values."""
    return copy.deepcopy(model).to("meta"), tree_map_only(torch.Tensor, lambda tensor: tensor.to("meta"), inputs)


def _on_meta(result: Result, entry: Entry) -> None:
    """Whether it can be recorded without values, and what recording costs beside a plain forward."""
    model = _built(entry)
    there = inputs = _inputs(entry, model, 1)
    meta: nn.Module | None = None
    plain: str | None = None
    try:
        meta, there = to_meta(model, inputs)
        _call(meta, there)
    except BaseException as error:
        plain = _cause(error)
    try:
        if meta is None:
            raise UnlikeError(plain)
        graph_of(meta, *_again(there))
        result.meta = "meta"
    except BaseException as error:
        result.meta_cause = _cause(error)
        result.meta = "needs values" if plain else "lost"
    result.beside = "cpu" if plain or result.meta != "meta" or meta is None else "meta"
    network, given = (model, inputs) if result.beside == "cpu" or meta is None else (meta, there)

    def forward() -> None:
        _call(network, given)

    def trace() -> None:
        graph_of(network, *_again(given))

    result.forward_mb, result.trace_mb = _growth(forward), _growth(trace)
    result.forward_seconds, seconds = _medians(forward, trace)
    result.time_ratio = seconds / result.forward_seconds


def _medians(*functions: Callable[[], None], runs: int = 3, least: float = 0.05) -> tuple[float, ...]:
    """The median CPU seconds of some functions, run in turns; quick ones several times a turn, for coarse clocks."""
    repeats = []
    for function in functions:
        function()
        start = time.perf_counter()
        function()
        repeats.append(max(round(least / (time.perf_counter() - start)), 1))
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(runs):
        for function, count, taken in zip(functions, repeats, times, strict=True):
            start = time.process_time()
            for _ in range(count):
                function()
            taken.append((time.process_time() - start) / count)
    return tuple(map(statistics.median, times))


def _growth(function: Callable[[], None]) -> float | None:
    """How much the peak of the resident memory rises while it runs, in MB; the second of two runs in a new process."""
    if not Path("/proc/self/clear_refs").exists():
        return None
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            function()
            gc.collect()
            ctypes.CDLL(None).malloc_trim(0)
            Path("/proc/self/clear_refs").write_text("5")  # the peak starts over
            start = _kilobytes("VmHWM")
            function()
            os.write(writer, str((_kilobytes("VmHWM") - start) / 1024).encode())
        finally:
            os._exit(0)
    os.close(writer)
    answer = os.read(reader, 64)
    os.close(reader)
    os.waitpid(child, 0)
    return float(answer) if answer else None


def _kilobytes(name: str) -> int:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(name))


def _cause(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = (
        f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})"
        if frames and not isinstance(error, UnlikeError)
        else ""
    )
    text = " ".join(str(error).split())[:200]
    return text if isinstance(error, UnlikeError) else f"{type(error).__name__}: {text}{where}"

"""One network, from its example inputs to its graph."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import fx, nn

from nnlint.examine.modes import evaluating
from nnlint.graph import Graph, Op
from nnlint.inputs.search import Attempt, Inputs, NoInputs, Proposal, find_inputs
from nnlint.report.model import NetworkReport, OpRow
from nnlint.site import Site
from nnlint.trace.build import build_graph
from nnlint.trace.losses import GivenLoss
from nnlint.trace.record import record

#: bytes of parameters above which no run with real values is made
MOST_REAL_BYTES = 2 << 30


@dataclass(frozen=True, slots=True)
class Traced:
    """A recorded network: the module that ran (its own, or one rebuilt with real values), and what it ran on."""

    module: nn.Module
    recorded: fx.GraphModule
    inputs: Inputs
    how: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A network to be traced.

    Attributes:
        rebuild: builds it with real values, None where that cannot be done.
        sites: `id` of its modules → the expression that constructed each; None: looked for in their source.
    """

    module: nn.Module
    rebuild: Any = None
    sites: Mapping[int, Site] | None = None


def trace_network(
    subject: Subject, proposals: Sequence[Proposal] = (), *, batch: int = 2, search: bool = True, evaluate: bool = True
) -> Traced | NoInputs:
    """Find inputs the network accepts and record it on them: on the meta device, or with values where it needs them.

    One that is too large for a run with values, or cannot be built again, is recorded on the meta device with
    conditions on values taken for False; the graph then says so (`Graph.guesses`). A network that asks which mode it
    is in, and fails in eval mode, is recorded in training mode.

    Args:
        evaluate: record it in eval mode; else in the mode it is in.
    """
    runs: dict[str, _Run] = {}

    def first() -> Attempt:
        return runs.setdefault("first", _Run(subject.module, subject.sites, evaluate)).attempt

    def real() -> Attempt:
        return runs.setdefault("other", _real(subject, evaluate)).attempt

    def assuming() -> Attempt:
        return runs.setdefault("other", _Run(subject.module, subject.sites, evaluate, assume=True)).attempt

    ways = [first]
    if subject.rebuild is not None and _is_small(subject.module):
        ways.append(real)
    elif device_of(subject.module) == "meta":
        ways.append(assuming)
    found = find_inputs(ways, proposals, batch=batch, search=search)
    if isinstance(found, NoInputs):
        if not evaluate or found.own is not None or not _asks_its_mode(subject.module):
            return found
        with evaluating(subject.module, training=True):
            trained = trace_network(subject, proposals, batch=batch, search=search, evaluate=False)
        return trained if isinstance(trained, Traced) else found
    run = runs.get("other", runs["first"])
    how = "meta" if found.device == "meta" else "real"
    return Traced(run.module, found.result, found, how)


def _asks_its_mode(module: nn.Module) -> bool:
    """Whether a ``forward`` of the user's own does one thing in training and another in evaluation."""
    classes = {type(child) for child in module.modules() if not type(child).__module__.startswith("torch.")}
    return any("training" in getattr(getattr(cls.forward, "__code__", None), "co_names", ()) for cls in classes)


class _Run:
    """Records a network when it is run."""

    def __init__(
        self, module: nn.Module, sites: Mapping[int, Site] | None, evaluate: bool, *, assume: bool = False
    ) -> None:
        self.evaluate = evaluate
        self.assume = assume
        self.module = module
        self.sites = sites
        self.attempt = Attempt(device_of(module), module, self)

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> fx.GraphModule:
        with evaluating(self.module) if self.evaluate else nullcontext():
            return record(self.module, args, kwargs, sites=self.sites, compile=False, assume=self.assume)


def _real(subject: Subject, evaluate: bool) -> _Run:
    with torch.random.fork_rng(devices=[]):
        rebuilt: nn.Module = subject.rebuild()
    sites = None
    if subject.sites is not None:
        pairs = zip(subject.module.modules(), rebuilt.modules(), strict=False)
        sites = {id(new): subject.sites[id(old)] for old, new in pairs if id(old) in subject.sites}
    return _Run(rebuilt, sites, evaluate)


def _is_small(module: nn.Module) -> bool:
    return (
        sum(p.numel() * p.element_size() for p in module.parameters() if not nn.parameter.is_lazy(p)) < MOST_REAL_BYTES
    )


def device_of(module: nn.Module) -> str:
    """Where a network lives: the device of its first parameter or buffer, the CPU if it has none."""
    for tensor in (*module.parameters(), *module.buffers()):
        if not nn.parameter.is_lazy(tensor):
            return str(tensor.device)
    return "cpu"


def graph_of(traced: Traced, name: str, file: str | None, losses: Iterable[GivenLoss] = ()) -> Graph:
    """The graph of a traced network, with what judges it."""
    graph = build_graph(traced.recorded, model=traced.module, name=name, file=file, how=traced.how, losses=losses)
    return replace(graph, guessed=traced.inputs.guessed)


def report_of(base: NetworkReport, traced: Traced, graph: Graph, *, rows: bool) -> NetworkReport:
    """The report of a traced network: ``base`` with what the graph tells."""
    return replace(
        base,
        status="traced",
        inputs=traced.inputs.texts,
        input_source=traced.inputs.source,
        how=graph.how,
        ops=len(graph.ops),
        params=graph.params,
        macs=graph.macs,
        uncounted=len(graph.uncounted),
        activation_bytes=graph.activation_bytes,
        guesses=base.guesses + graph.guesses,
        rows=op_rows(graph) if rows else (),
        modules={path: type(module).__name__ for path, module in traced.module.named_modules()} if rows else {},
    )


def op_rows(graph: Graph) -> tuple[OpRow, ...]:
    """The ops as plain rows, in order of execution. A parameter that several read is counted once, at the first."""
    counted: set[int] = set()

    def params(op: Op) -> int:
        new = [param for param in op.params if param.key not in counted]
        counted.update(param.key for param in new)
        return sum(param.numel for param in new)

    return tuple(
        OpRow(
            path=op.path,
            name=op.name,
            shape=op.shape,
            params=params(op),
            macs=op.macs,
            hyper=op.hyper.stated(),
            site=str(op.site) if op.site else None,
            module_type=type(op.module).__name__ if op.module is not None else "",
        )
        for op in graph.ops
    )


def count_params(module: nn.Module) -> int:
    """The scalar parameters of a network that was not traced; tied ones once."""
    return sum(math.prod(p.shape) for p in module.parameters() if not nn.parameter.is_lazy(p))

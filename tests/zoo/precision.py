"""What nnlint's rules say of one network: findings, rules that raised, and the seconds of rules and recording."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, TypeVar

import torch
from entry import Entry
from measure import _again, _built, _call, _cause, _inputs, graph_of, to_meta
from torch import fx, nn
from torch.utils._pytree import tree_map_only

from nnlint.check import INTERNAL_ERROR, check_graph
from nnlint.examine.rebatch import rebatched
from nnlint.finding import Finding
from nnlint.graph import Graph
from nnlint.kinds import activation, normalisation, value_preserving
from nnlint.recipe import Loss
from nnlint.registry import list_rules, load_rules
from nnlint.rule import Rule
from nnlint.selection import choose
from nnlint.site import Site
from nnlint.trace.build import build_graph
from nnlint.trace.record import record

T = TypeVar("T")

#: seconds under which a measurement is taken again, the smaller counting: the first run loads what torch loads lazily
QUICK = 3.0
#: seconds that the second measurement takes at least
LEAST = 0.1
#: height and width of the images that torchvision's networks were published for, where it is not 224
_PUBLISHED = {"inception_v3": (299, 299), "vit_b_16": (32, 32), "raft_small": (520, 960)}
#: what the last op of a network says of the loss it is made for; None: nothing is judged
_BY_LAST = {"log_softmax": "nll_loss", "sigmoid": "binary_cross_entropy", "softmax": None, "tanh": None}
#: what modules are called whose output is scores, where a network returns more than those
_HEADS = ("lm_head", "classifier", "score", "head", "fc")


@dataclass
class Row:
    """One network. ``stage`` is ``ok`` or the first step that failed, ``cause`` why."""

    collection: str
    name: str
    stage: str = "build"
    cause: str = ""
    how: str = ""
    ops: int = 0
    params: int = 0
    #: op name of the usual loss of its kind, "" where none is natural
    loss: str = ""
    trace_seconds: float = 0.0
    rule_seconds: float = 0.0
    #: the same on the wall, and of it the three slowest rules
    rule_wall_seconds: float = 0.0
    slowest: dict[str, float] = field(default_factory=dict)
    #: rule, level, paths (at most four), message
    findings: list[tuple[str, str, list[str], str]] = field(default_factory=list)
    #: messages of rules that raised
    raised: list[str] = field(default_factory=list)


def examine(collection: str, entry: Entry) -> dict[str, Any]:
    """Everything the rules say of one network, as plain data."""
    row = Row(collection, entry.name)
    try:
        _examine(row, entry)
    except BaseException as error:
        row.cause = _cause(error)
    return asdict(row)


@cache
def default_rules() -> tuple[Rule, ...]:
    """The graph rules that run where nobody selects any."""
    listed = list_rules().rules
    return tuple(rule for rule in load_rules(choose(listed, (), (), ()), []) if rule.check.on == "graph")


def _examine(row: Row, entry: Entry) -> None:
    model = _built(entry)
    model, inputs = _somewhere(row, model, _inputs(entry, model, 1))
    if row.how == "meta":
        inputs = tree_map_only(torch.Tensor, lambda image: _full_size(row, model, image), inputs)
    row.stage = "trace"

    def trace() -> tuple[fx.GraphModule, Graph]:
        recorded = record(model, *_again(inputs), sites={}, compile=False)
        return recorded, build_graph(recorded, model=model, name=entry.name, how=row.how)

    (recorded, plain), row.trace_seconds = _timed(trace)
    graph, row.loss = _judged(recorded, model, plain, entry.name)
    graph = rebatched(graph, model, _again(inputs), {})
    row.ops, row.params = len(plain.ops), plain.params
    row.stage = "rules"
    timing: dict[str, float] = {}

    def rules() -> list[Finding]:
        timing.clear()
        return check_graph(graph, default_rules(), timing)

    found, row.rule_seconds = _timed(rules)
    row.rule_wall_seconds = sum(timing.values())
    row.slowest = dict(sorted(timing.items(), key=lambda item: -item[1])[:3])
    row.raised = [finding.message for finding in found if finding.rule == INTERNAL_ERROR]
    row.findings = [
        (finding.rule, str(finding.level), list(finding.paths[:4]), finding.message)
        for finding in found
        if finding.rule != INTERNAL_ERROR
    ]
    row.stage = "ok"


def _somewhere(row: Row, model: nn.Module, inputs: Any) -> tuple[nn.Module, Any]:
    """The network without values, where it runs so, as nnlint would take it; else as it is."""
    row.how = "meta"
    try:
        meta, there = to_meta(model, inputs)
        _call(meta, there)
        graph_of(meta, *_again(there))
    except Exception:
        row.how = "real"
        return model, inputs
    return meta, there


def _full_size(row: Row, model: nn.Module, image: torch.Tensor) -> torch.Tensor:
    """An image of the size the network was published for, where that of the zoo is smaller: it costs nothing here."""
    if image.ndim != 4 or row.collection not in {"timm_models", "torchvision_models"}:
        return image
    facts = getattr(model, "default_cfg", {"input_size": (3, *_PUBLISHED.get(row.name, (224, 224)))})
    size = facts["input_size"][-2:]
    return image.new_empty((*image.shape[:2], *size)) if image.shape[-1] < size[-1] else image


def _timed(function: Callable[[], T]) -> tuple[T, float]:
    """Its result and its processor seconds; quick ones are run again, several times, for coarse clocks."""
    start = time.process_time()
    result = function()
    seconds = time.process_time() - start
    if seconds < QUICK:
        count = max(round(LEAST / max(seconds, 1e-3)), 1)
        start = time.process_time()
        for _ in range(count):
            result = function()
        seconds = (time.process_time() - start) / count
    return result, seconds


def _judged(recorded: fx.GraphModule, model: nn.Module, graph: Graph, name: str) -> tuple[Graph, str]:
    """The graph with the usual loss of its kind, where the output tells one: scores of several classes."""
    heads = graph.output.inputs
    logits = [op for op in heads if op.path.rpartition(".")[2] in _HEADS]
    last = logits[0] if logits and len(heads) > 1 else heads[0] if len(heads) == 1 else None
    if last is None or len(last.shape) < 2 or (len(last.shape) > 2 and not logits):
        return graph, ""
    makers = last.back(past=value_preserving) if last in value_preserving else (last,)
    if any(maker in normalisation | activation and maker.name not in _BY_LAST for maker in makers):
        return graph, ""  # features, not scores
    loss = _BY_LAST.get(last.name, "cross_entropy" if last.shape[-1] > 1 else None)
    if loss is None or not last.values or not last.values[0].dtype.endswith(("float32", "float16")):
        return graph, ""
    path: tuple[str, ...] = () if len(heads) == 1 else ("logits",)
    nowhere = Site("<usual loss>", 1, 1, 1, 1)
    judged = build_graph(
        recorded, model=model, name=name, how=graph.how, losses=(Loss(loss, nowhere, nowhere, output=path),)
    )
    return judged, loss

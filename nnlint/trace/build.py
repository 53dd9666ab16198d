"""From the recorded fx graph to the `Graph` that rules read.

What the recording needs to run and is no operation is dropped: unpacking, rebuilding, modes. The outputs of an op that
has several are not ops of their own: the reader says which one it reads (`Op.slots`).

What an op reads is told apart by what it is:

* tensors that ops made are its ``inputs``, or its ``weights`` where the function takes them as weight, bias or
  statistics;
* parameters are its ``params`` wherever it reads them, also as data (``x + self.position``): a walk along ``inputs``
  stays on what depends on the network's arguments;
* buffers and other constants are ``constant`` ops if they are read as data, and nothing if they are read as weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from torch import fx, nn

from nnlint.graph import Graph, Hyper, Op, Param
from nnlint.kinds import Kind, embedding, loss, normalisation, weighted
from nnlint.trace import replay
from nnlint.trace.hyper import hyper, stated_arguments
from nnlint.trace.losses import GivenLoss, append_losses
from nnlint.trace.macs import macs
from nnlint.trace.modal import modal_modules, modal_results
from nnlint.trace.names import op_name, spelling
from nnlint.trace.outputs import OutputPath, selected
from nnlint.trace.parameters import Parameters, unused_modules
from nnlint.trace.run import ASSUMED, META, SITES, Run
from nnlint.trace.unread import idle_modules

#: an op and which of its outputs; or a parameter
Source = tuple[Op, int] | Param

_NO_HYPER = Hyper()
_WITH_WEIGHTS = (weighted | embedding | normalisation | loss | Kind.of("prelu")).names
_WEIGHTS = frozenset(
    {
        "weight", "bias", "running_mean", "running_var", "pos_weight", "params", "w_ih", "w_hh", "b_ih", "b_hh",
        "in_proj_weight", "in_proj_bias", "bias_k", "bias_v", "out_proj_weight", "out_proj_bias", "q_proj_weight",
        "k_proj_weight", "v_proj_weight",
    }
)  # fmt: skip


def build_graph(
    gm: fx.GraphModule,
    *,
    model: nn.Module | None = None,
    name: str = "",
    file: str | None = None,
    how: str = "meta",
    losses: Iterable[GivenLoss] = (),
) -> Graph:
    """The graph of a recorded network.

    Args:
        gm: what `nnlint.trace.record.record` returned.
        model: the recorded network; without it only the parameters that were read are known, and no unused module.
        name, file, how: see `Graph`.
        losses: what judges the output: a `nnlint.recipe.Loss`, an op name (``cross_entropy``), or a live loss (module
            or function). Each becomes ops after the output; one that reads a part of the output which cannot be told
            reads nothing.

    Raises:
        UsageError: for a loss whose name is not known.
    """
    parameters = Parameters(model if model is not None else gm)
    builder = _Builder(gm, parameters)
    for node in gm.graph.nodes:
        builder.add(node)
    unused = unused_modules(parameters, builder.ops) if model is not None else ()
    append_losses(builder.ops, losses, builder.output_part)
    modal = modal_modules(model) if model is not None else ()
    results = modal_results(model, modal) if model is not None else ()
    idle = idle_modules(model, unused, gm.meta.get(SITES, lambda _: None)) if model is not None else ()
    assumed = gm.meta.get(ASSUMED, ())
    ops = tuple(builder.ops)
    return Graph(ops, name, file, how, unused, parameters.own, assumed, idle=idle, modal=modal, modal_results=results)


class _Builder:
    def __init__(self, gm: fx.GraphModule, parameters: Parameters) -> None:
        self.ops: list[Op] = []
        self._gm = gm
        self._parameters = parameters
        self._made: dict[fx.Node, tuple[Op, int]] = {}
        self._output: Any = None

    def add(self, node: fx.Node) -> None:
        """Add the op of a node, if it is one."""
        run: Run | None = node.meta.get(META)
        if run is None:
            return
        if run.role == "op":
            self._made[node] = self._operation(node, run), 0
        elif run.role == "input":
            self._made[node] = self._append(run, "input", node.name), 0
        elif run.role == "output":
            self._output = node.args[0]
            data, params = self._told_apart(_nodes(node.args))
            self._append(run, "output", "output", data, params=params)

    def output_part(self, path: OutputPath) -> tuple[Op, int] | None:
        """The op that makes a part of the output, and which of its outputs that is; None if it cannot be told."""
        node = selected(self._gm, self._output, path)
        sources = list(self._sources(node)) if node is not None else []
        return sources[0] if len(sources) == 1 and not isinstance(sources[0], Param) else None

    def _operation(self, node: fx.Node, run: Run) -> Op:
        name = op_name(run)
        if run.module is not None:
            data, params = self._told_apart(_nodes((node.args, node.kwargs)))
            own = self._parameters.of(run.module, run.path)
            return self._append(run, name, spelling(run), data, hyper=hyper(name, run, {}), params=own + params)
        args, kwargs = _call_of(node)
        arguments = stated_arguments(name, run, args, kwargs)
        weights: list[Op] = []
        learnt: tuple[Param, ...] = ()
        if name in _WITH_WEIGHTS and arguments:
            weights, learnt = self._weights(arguments)
            read = _nodes([value for word, value in arguments.items() if word not in _WEIGHTS])
        else:
            read = _nodes((args, kwargs))
        data, others = self._told_apart(read)
        settings = hyper(name, run, arguments)
        return self._append(run, name, spelling(run), data, hyper=settings, params=learnt + others, weights=weights)

    def _weights(self, arguments: Mapping[str, Any]) -> tuple[list[Op], tuple[Param, ...]]:
        """What a function reads as weight or bias: ops that computed it, and parameters by the argument's name."""
        ops: list[Op] = []
        params: list[Param] = []
        for word, value in arguments.items():
            if word not in _WEIGHTS:
                continue
            for node in _nodes(value):
                for source in self._sources(node, state=False):
                    if isinstance(source, Param):
                        params.append(source if word == "params" else replace(source, role=word))
                    else:
                        ops.append(source[0])
        return ops, tuple(params)

    def _told_apart(self, nodes: Iterable[fx.Node]) -> tuple[list[tuple[Op, int]], tuple[Param, ...]]:
        data: list[tuple[Op, int]] = []
        params: list[Param] = []
        for node in nodes:
            made = self._made.get(node)
            if made is not None:
                data.append(made)
                continue
            for source in self._sources(node):
                if isinstance(source, Param):
                    params.append(source)
                else:
                    data.append(source)
        return data, tuple(params)

    def _sources(self, node: fx.Node, *, state: bool = True) -> Iterator[Source]:
        """What a node's value comes from; buffers and constants only where ``state`` asks for them."""
        made = self._made.get(node)
        if made is not None:
            yield made
            return
        run: Run | None = node.meta.get(META)
        if run is None:
            return
        if run.role == "item":
            producer = _producer(node)
            for source in self._sources(producer, state=state):
                yield source if isinstance(source, Param) else (source[0], run.slot)
        elif run.role == "parameter":
            param = self._parameters.at(run.path)
            if param is not None:
                yield param
        elif run.role in ("buffer", "constant"):
            if state:
                made = self._made[node] = self._append(run, "constant", run.role), 0
                yield made
        else:
            for inner in node.all_input_nodes:
                yield from self._sources(inner, state=state)

    def _append(
        self,
        run: Run,
        name: str,
        written: str,
        data: Iterable[tuple[Op, int]] = (),
        *,
        hyper: Hyper = _NO_HYPER,
        params: tuple[Param, ...] = (),
        weights: Iterable[Op] = (),
    ) -> Op:
        data = tuple(data)
        op = Op(
            index=len(self.ops),
            name=name,
            path=run.path,
            module=run.module,
            spelling=written,
            inputs=tuple([source for source, _ in data]),
            slots=tuple([slot for _, slot in data]),
            weights=tuple(weights),
            reads=run.reads,
            values=run.values,
            hyper=hyper,
            params=params,
            macs=macs(name, hyper, run.reads, run.values),
            site=run.site,
            call_site=run.call_site,
            training=run.training,
            grad=run.grad,
            inplace=run.inplace,
            observed=run.observed,
            kept=run.kept,
        )
        self.ops.append(op)
        return op


def _call_of(node: fx.Node) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """The arguments of the network's own call (the recording may call it through a helper)."""
    if node.target in (replay.call, replay.apply):
        return node.args[1:], node.kwargs
    if node.target is getattr:  # a property: x.T
        return node.args[:1], {}
    return node.args, node.kwargs


def _producer(item: fx.Node) -> fx.Node:
    """The node that yields the structure an item was picked from, however deep in it."""
    node = item
    while node.meta[META].role in ("item", "plumbing"):
        inner = node.args[0]
        if not isinstance(inner, fx.Node):
            break
        node = inner
    return node


def _nodes(value: Any) -> list[fx.Node]:
    """The nodes in a node's arguments, in order and with repeats."""
    found: list[fx.Node] = []
    _collect(value, found)
    return found


def _collect(value: Any, found: list[fx.Node]) -> None:
    if isinstance(value, fx.Node):
        found.append(value)
    elif isinstance(value, (tuple, list)):
        for item in value:
            _collect(item, found)
    elif isinstance(value, Mapping):
        for item in value.values():
            _collect(item, found)
    elif isinstance(value, slice):
        _collect((value.start, value.stop, value.step), found)

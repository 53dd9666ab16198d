"""A network as an immutable graph of operations: what rules, reports and drawings read.

`Graph` is built from a recorded `torch.fx` graph by `nnlint.trace` (`trace/build.py`); nothing here imports torch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nnlint.kinds import Kind
from nnlint.site import Site

if TYPE_CHECKING:
    import networkx
    from torch import nn

    from nnlint.finding import Finding

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hyper:
    """The hyper-parameters of an op, by the same names for its module and its functional form.

    A field is None where the op has no such parameter, or where its value is not known. Kernel, stride, padding,
    dilation and output padding are given for every spatial axis (``(3, 3)``, never ``3``).
    """

    kernel: tuple[int, ...] | None = None
    stride: tuple[int, ...] | None = None
    #: numbers of zeros added on both sides of each axis; ``"same"`` and ``"valid"`` are resolved to numbers where
    #: both sides are equal and kept as written otherwise
    padding: tuple[int, ...] | str | None = None
    padding_mode: str | None = None
    dilation: tuple[int, ...] | None = None
    output_padding: tuple[int, ...] | None = None
    groups: int | None = None
    #: channels of a convolution, features of a linear layer, channels a normalisation works on (in == out),
    #: vocabulary and width of an embedding, input and hidden width of a recurrent layer
    in_channels: int | None = None
    out_channels: int | None = None
    bias: bool | None = None
    affine: bool | None = None
    p: float | None = None
    inplace: bool | None = None
    #: whether the op behaved as in training (batch norm on batch statistics, dropout dropping) in the recorded pass
    training: bool | None = None
    eps: float | None = None
    momentum: float | None = None
    track_running_stats: bool | None = None
    dim: int | tuple[int, ...] | None = None
    negative_slope: float | None = None
    heads: int | None = None
    layers: int | None = None
    bidirectional: bool | None = None
    batch_first: bool | None = None
    output_size: tuple[int | None, ...] | None = None
    scale_factor: tuple[float, ...] | None = None
    mode: str | None = None
    ceil_mode: bool | None = None
    reduction: str | None = None
    #: everything else the call was given, by the name torch's documentation gives it; plain Python values only
    extra: Mapping[str, Any] = field(default_factory=dict)

    def stated(self) -> dict[str, Any]:
        """The fields that are not None, ``extra`` merged in: for reports and messages."""
        known = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "extra"}
        return {name: value for name, value in known.items() if value is not None} | dict(self.extra)


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter an op reads. Tied parameters have the same ``key`` (and the ``path`` of their first name)."""

    path: str
    role: str  # "weight", "bias", … : the last part of the name the op knows it by
    shape: Shape
    dtype: str
    trainable: bool
    key: int

    @property
    def numel(self) -> int:
        """The number of scalars."""
        n = 1
        for size in self.shape:
            n *= size
        return n


@dataclass(frozen=True, slots=True)
class Value:
    """One tensor an op makes: its shape (batch axis included), dtype, size in bytes, and the storage it lives in.

    Two values with the same ``storage`` are views of one piece of memory; None where that is not known.
    """

    shape: Shape
    dtype: str
    nbytes: int
    storage: int | None = None


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Op:
    """One operation of a network, once for every time it runs.

    ``name`` is one word whatever the spelling: ``nn.ReLU``, ``F.relu``, ``x.relu_()`` and ``torch.relu`` are all
    ``relu``. A callable nnlint has no name for keeps its dotted path (``torchvision.ops.nms``); such an op is in no
    `Kind`, not even in a complement. ``input``, ``output``, ``parameter`` and ``constant`` name where data enters and
    leaves.

    ``inputs`` are the ops whose tensors this one reads as data, in order and with repeats (``x + x``); ``weights`` are
    ops that compute what it reads as weight or bias (a standardised or generated kernel); parameters read directly are
    ``params``. ``slots[i]`` says which of the outputs of ``inputs[i]`` is read (0 where there is one).
    """

    index: int
    name: str
    #: dotted path of the module that runs it: its own for a module (``features.3``), the enclosing one for a function
    path: str
    #: the torch module, where the op is one
    module: nn.Module | None
    #: the spelling in the source: ``nn.Conv2d``, ``F.relu``, ``Tensor.relu_``
    spelling: str
    inputs: tuple[Op, ...]
    slots: tuple[int, ...]
    weights: tuple[Op, ...]
    #: what is read and made, one `Value` a tensor
    reads: tuple[Value, ...]
    values: tuple[Value, ...]
    hyper: Hyper
    params: tuple[Param, ...]
    #: multiply-accumulates of the recorded pass; 0 where none are needed, None where nnlint cannot count them
    macs: int | None
    #: the expression that made it: the constructor call of a module, the call of a function; None if unknown
    site: Site | None
    #: the expression that ran it, where that is another one (for a module: the call in ``forward``)
    call_site: Site | None
    #: whether the module that ran it was in training mode
    training: bool
    #: whether gradients were recorded where it ran (False under ``torch.no_grad()``)
    grad: bool
    #: whether it overwrites its first input
    inplace: bool
    #: whether more than ops make use of its result: plain Python asked for its shape or its values (``if``, ``assert``,
    #: ``print``), a hook was given it, or the network or an argument keeps it (an attribute, a list, a cache)
    observed: bool = False
    #: whether more than ops may hand a gradient on to its result: a hook was given it, or something keeps it
    kept: bool = False
    #: filled in by `Graph`: the ops that read this one, in order of execution and with repeats
    users: tuple[Op, ...] = ()

    @property
    def shape(self) -> Shape:
        """The shape of the (first) tensor it makes, ``()`` if it makes none."""
        return self.values[0].shape if self.values else ()

    @property
    def in_shape(self) -> Shape:
        """The shape of the first tensor it reads, ``()`` if it reads none."""
        return self.reads[0].shape if self.reads else ()

    @property
    def label(self) -> str:
        """How a message calls it: the module's path, else the function's name."""
        return self.path if self.module is not None and self.path else self.name

    def __str__(self) -> str:
        return f"`{self.label}`"

    def __repr__(self) -> str:
        return f"<Op {self.index} {self.name} {self.path!r} {list(self.shape)}>"

    def back(self, *, past: Kind) -> Iterator[Op]:
        """Walk against the data flow, past the ops in ``past``; yield each op it stops at, nearest first, once."""
        return _walk(self.inputs, past, lambda op: op.inputs)

    def ahead(self, *, past: Kind) -> Iterator[Op]:
        """Walk with the data flow, past the ops in ``past``; yield each op it stops at, nearest first, once."""
        return _walk(self.users, past, lambda op: op.users)

    def finding(self, message: str, *related: Op, **facts: object) -> Finding:
        """A finding at this op; ``related`` are the other ops of the fault, ``facts`` measured values for reports."""
        from nnlint.finding import Finding

        return Finding.at(self, message, related, facts)


def _walk(start: tuple[Op, ...], past: Kind, step: Any) -> Iterator[Op]:
    queue = deque(start)
    seen: set[int] = set()
    while queue:
        op = queue.popleft()
        if op.index in seen:
            continue
        seen.add(op.index)
        if op in past:
            queue.extend(step(op))
        else:
            yield op


@dataclass(frozen=True, slots=True)
class Idle:
    """A registered module that never ran and that no code of its class or script reads, so that none could run it."""

    path: str
    #: the name of its class
    type: str
    params: int
    #: the expression that constructed it
    site: Site | None


@dataclass(frozen=True, slots=True)
class Rebatched:
    """What a second run of the network with another batch size showed.

    Attributes:
        batch, other: the batch sizes of the recorded run and of the second.
        mixing: the views that give a row parts of several samples.
        failure: what the second run raised, "" if nothing; ``site``: where.
        loader: whether the file feeds the network by a data loader whose last batch may be smaller.
    """

    batch: int
    other: int
    mixing: tuple[Op, ...] = ()
    failure: str = ""
    site: Site | None = None
    loader: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Graph:
    """A network: its ops in order of execution. The loss, where one is known, stands after the output.

    Attributes:
        ops: every op, inputs first; ``ops[i].index == i``.
        name: what the network is called (its class, or the target).
        file: the file that defines it, if known.
        how: ``"meta"`` (no arithmetic was done), ``"real"`` (a run with values) or ``"partial"``.
        unused: paths of modules that hold parameters and never ran.
        idle: those of them that no code reads at all.
        rebatched: what a second run with another batch size showed; None where none was made.
        parameters: every parameter of the network, tied ones once, whether an op reads it or not.
        guesses: sites and reasons where a value that only a real run knows was assumed.
        modal: paths of modules whose ``forward`` takes another way in training than in evaluation, by a condition on
            ``self.training``: what was recorded of them in one mode says nothing of the other.
        modal_results: of these the modules whose result may be made otherwise, not only what they do on the way to it.
        guessed: whether nobody states the inputs: the sizes the network leaves open are then nnlint's choice.
    """

    ops: tuple[Op, ...]
    name: str = ""
    file: str | None = None
    how: str = "meta"
    unused: tuple[str, ...] = ()
    parameters: tuple[Param, ...] = ()
    guesses: tuple[str, ...] = ()
    idle: tuple[Idle, ...] = ()
    rebatched: Rebatched | None = None
    modal: tuple[str, ...] = ()
    modal_results: tuple[str, ...] = ()
    guessed: bool = False

    def __post_init__(self) -> None:
        users: list[list[Op]] = [[] for _ in self.ops]
        for op in self.ops:
            for source in op.inputs + op.weights:
                users[source.index].append(op)
        for op, readers in zip(self.ops, users, strict=True):
            object.__setattr__(op, "users", tuple(readers))

    def __repr__(self) -> str:
        return f"<Graph {self.name or '(no name)'}: {len(self.ops)} ops, {self.params:,} parameters>"

    def find(self, kind: Kind | str) -> Iterator[Op]:
        """The ops of a kind (or of a name), in order of execution."""
        if isinstance(kind, str):
            kind = Kind.of(kind)
        return (op for op in self.ops if op in kind)

    @property
    def inputs(self) -> tuple[Op, ...]:
        """The ops where the network's arguments enter."""
        return tuple(op for op in self.ops if op.name == "input")

    @property
    def output(self) -> Op:
        """The op that hands out the result; its inputs are the ops that computed it."""
        return next(op for op in reversed(self.ops) if op.name == "output")

    @cached_property
    def params(self) -> int:
        """The number of scalar parameters, tied ones counted once."""
        return sum(param.numel for param in self.parameters)

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of the ops that can be counted (see `uncounted`)."""
        return sum(op.macs or 0 for op in self.ops)

    @cached_property
    def uncounted(self) -> tuple[Op, ...]:
        """The ops whose multiply-accumulates are not known: to be said beside every total."""
        return tuple(op for op in self.ops if op.macs is None)

    @cached_property
    def activation_bytes(self) -> int:
        """Bytes of all the tensors the ops make, memory shared by views or in place counted once."""
        seen: set[int] = set()
        total = 0
        for op in self.ops:
            for value in op.values:
                if value.storage is not None:
                    if value.storage in seen:
                        continue
                    seen.add(value.storage)
                total += value.nbytes
        return total

    def to_networkx(self) -> networkx.MultiDiGraph:
        """A multigraph over op indices (node attribute ``op``, edges in data-flow direction): for graph algorithms."""
        import networkx

        graph = networkx.MultiDiGraph(name=self.name)
        graph.add_nodes_from((op.index, {"op": op}) for op in self.ops)
        graph.add_edges_from((source.index, op.index) for op in self.ops for source in op.inputs + op.weights)
        return graph

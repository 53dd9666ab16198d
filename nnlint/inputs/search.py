"""Example inputs for a network: the user's, the file's, or found by a bounded search; each with its source in words."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import nn

from nnlint.inputs.mend import Memory, mend, usual_size
from nnlint.inputs.sizes import first_sizes
from nnlint.inputs.slots import Slot, slots
from nnlint.inputs.state import State
from nnlint.inputs.template import Template, describe, leaves, materialise
from nnlint.inputs.watch import Fault, Watch

#: a search gives up after so many tries, or so many seconds
MAX_TRIES = 60
MAX_SECONDS = 12.0
#: ... or when one error has come back so many times, word for word
MAX_REPEATS = 24
#: no guess with more numbers is run with values: it may take long, and much memory
MAX_REAL_NUMBERS = 4_000_000

Evidence = Literal["explicit", "comment", "example-input", "call", "dataset", "guess"]
#: runs the network on these arguments and returns something (a recorded graph); raises what the network raises
Run = Callable[[tuple[Any, ...], dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A way to run a network: on a device, by a function. Ways are tried in order where one lacks values."""

    device: str
    module: nn.Module
    run: Run


@dataclass(frozen=True, slots=True)
class Proposal:
    """Example inputs that somebody states: trees of templates and tensors, and where they come from.

    Attributes:
        binding: the user or the file gives these very inputs to this network, so that a failure is a fault of theirs.
        batch: what `N` stands for in the templates.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    source: str
    evidence: Evidence
    batch: int = 2
    binding: bool = True

    def blames(self, fault: Fault) -> bool:
        """Whether a failure on these inputs is a fault of the file.

        Of a data set only where the first layers took its samples: the file may well change them on the way.
        """
        taken = fault.reads is None and fault.steps > 0 and fault.clash is not None
        return self.binding and (self.evidence != "dataset" or taken)


@dataclass(frozen=True, slots=True)
class Tried:
    """Inputs that failed: as text, from where, and why."""

    inputs: tuple[str, ...]
    source: str
    fault: Fault
    own: bool


@dataclass(frozen=True, slots=True)
class Inputs:
    """Inputs a network accepts, and what the run returned.

    Attributes:
        device: where they live: ``meta``, or ``cpu`` where values were needed.
        tries: how many it took.
        guessed: whether nobody states them, so that sizes the network leaves open are nnlint's choice.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    source: str
    device: str
    result: Any
    tries: int = 1
    guessed: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """The inputs as text."""
        return texts(self.args, self.kwargs)


@dataclass(frozen=True, slots=True)
class NoInputs:
    """No inputs were found: everything tried, in order, and why each failed."""

    tried: tuple[Tried, ...] = field(default=())

    @property
    def own(self) -> Tried | None:
        """The first failure of inputs that the user or the file itself gives."""
        return next((one for one in self.tried if one.own), None)

    @property
    def best(self) -> Tried | None:
        """The guess that came farthest."""
        return max(self.tried, key=lambda one: one.fault.steps, default=None)


def texts(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, ...]:
    """Arguments as text, keyword ones with their names."""
    return (*(describe(arg) for arg in args), *(describe(value, name) for name, value in kwargs.items()))


def find_inputs(
    attempts: Sequence[Callable[[], Attempt]],
    proposals: Sequence[Proposal] = (),
    *,
    batch: int = 2,
    search: bool = True,
) -> Inputs | NoInputs:
    """Inputs the network accepts: the proposals in their order, then a search from its layers and its signature.

    Args:
        attempts: make ways to run it, cheapest first; the next is taken where one lacks values.
        batch: the batch size of guessed inputs (a network built for a batch of one falls back to that).
        search: False to try the proposals alone.

    After a mismatch of shapes on the file's own inputs there is no search: another size would hide the fault.
    """
    runner = _Runner(attempts)
    failed: list[Tried] = []
    for proposal in proposals:
        result = runner.go(proposal.args, proposal.kwargs, {"N": proposal.batch, "T": 16})
        if isinstance(result, _Done):
            return result.inputs(proposal.source, runner.tries, guessed=proposal.evidence == "guess")
        failed.append(Tried(result.inputs, proposal.source, result.fault, proposal.blames(result.fault)))
    told = any(proposal.evidence == "explicit" for proposal in proposals)
    if not search or told or any(one.own and one.fault.is_mismatch for one in failed):
        return NoInputs(tuple(failed))
    return _search(runner, failed, proposals, batch)


@dataclass(frozen=True, slots=True)
class _Done:
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    device: str
    result: Any

    def inputs(self, source: str, tries: int, *, guessed: bool) -> Inputs:
        return Inputs(self.args, self.kwargs, source, self.device, self.result, tries, guessed)


@dataclass(frozen=True, slots=True)
class _Failed:
    fault: Fault
    inputs: tuple[str, ...]


class _Runner:
    """Runs tries, and moves on to the next way of running when values turn out to be needed."""

    def __init__(self, attempts: Sequence[Callable[[], Attempt]]) -> None:
        self.attempt = attempts[0]()
        self.others = list(attempts[1:])
        self.tries = 0
        self.consumers: dict[int, list[nn.Module]] = {}

    def go(self, args: tuple[Any, ...], kwargs: dict[str, Any], sizes: dict[str, int]) -> _Done | _Failed:
        while True:
            attempt = self.attempt
            real_args, real_kwargs = materialise((args, kwargs), sizes, attempt.device)
            self.tries += 1
            tensors = {
                id(leaf): index
                for index, leaf in enumerate(leaves((real_args, real_kwargs)))
                if isinstance(leaf, torch.Tensor)
            }
            watch = Watch(attempt.module, tensors)
            try:
                with watch:
                    result = attempt.run(real_args, real_kwargs)
            except (Exception, SystemExit) as error:
                fault = watch.fault(error)
                if self.others and needs_values(fault):
                    self.attempt = self.others.pop(0)()
                    continue
                self.consumers = watch.consumers
                return _Failed(fault, texts(real_args, real_kwargs))
            return _Done(real_args, real_kwargs, attempt.device, result)


_VALUES = (
    "meta tensor",
    "on meta",
    "meta device",
    "'meta'",
    "torch.meta.",
    "device meta",
    "register_meta",
    "1D CPU int64 tensor",
    "no data",
)


def needs_values(fault: Fault) -> bool:
    """Whether a forward pass failed only because meta tensors hold no numbers."""
    if getattr(fault.raised, "needs_values", False):
        return True
    text = str(fault.error)
    return any(sign in text for sign in _VALUES)


def _search(runner: _Runner, failed: list[Tried], proposals: Sequence[Proposal], batch: int) -> Inputs | NoInputs:
    module = runner.attempt.module
    found = slots(module)
    spare = tuple(slot for slot in found if not slot.needed)
    memory = Memory()
    order = itertools.count()
    queue: list[tuple[float, int, State]] = []
    seen: set[str] = set()

    def push(state: State, bonus: float = 0.0) -> None:
        if state.key not in seen:
            seen.add(state.key)
            heapq.heappush(queue, (state.cost - bonus, next(order), state))

    for state in _first_states(module, found, proposals, batch):
        push(state)
    deadline = time.monotonic() + MAX_SECONDS
    tries = 0
    while queue and tries < MAX_TRIES and time.monotonic() < deadline:
        _, _, state = heapq.heappop(queue)
        tries += 1
        args, kwargs = arguments(state)
        if runner.attempt.device != "meta" and state.numel > MAX_REAL_NUMBERS:
            continue
        result = runner.go(args, kwargs, dict(state.sizes))
        if isinstance(result, _Done):
            if (usual := usual_size(state)) is not None:
                again = runner.go(*arguments(usual), dict(usual.sizes))
                result = again if isinstance(again, _Done) else result
            return result.inputs(_guessed(state), tries, guessed=True)
        failed.append(Tried(result.inputs, _guessed(state), result.fault, False))
        if _hopeless(result.fault, failed):
            break
        if refuses_view(result.fault):  # it may be possible for a batch of one, which would hide the fault
            continue
        bonus = 0.25 * min(result.fault.steps, 40) ** 0.5
        for better in mend(state, result.fault, memory, spare):
            push(better, bonus)
    return NoInputs(tuple(failed))


def _hopeless(fault: Fault, failed: list[Tried]) -> bool:
    """No input would help: something is missing, or the same thing has been said again and again."""
    if is_hopeless(fault.error):
        return True
    same = sum(one.fault.text == fault.text and one.fault.path == fault.path for one in failed)
    return same >= MAX_REPEATS


def refuses_view(fault: Fault) -> bool:
    """Whether ``view`` was called on a tensor whose elements do not lie in the order of its axes."""
    return "view size is not compatible with input tensor's size and stride" in str(fault.error)


def is_hopeless(error: BaseException) -> bool:
    """Whether an error is of the code itself, so that no input avoids it."""
    return isinstance(error, ImportError | NameError | RecursionError | MemoryError | SystemExit)


def arguments(state: State) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A try as positional and keyword arguments, templates in place of tensors."""
    args = tuple(value for slot, value in state.given if not slot.keyword)
    return args, {slot.name: value for slot, value in state.given if slot.keyword}


def _first_states(
    module: nn.Module, found: tuple[Slot, ...], proposals: Sequence[Proposal], batch: int
) -> Iterator[State]:
    needed = [slot for slot in found if slot.needed]
    if not needed and found:  # everything has a default: the first argument is the input
        needed = [found[0]]
    sizes = first_sizes(module, batch)
    choices = [list(enumerate(slot.options)) for slot in needed]
    combos = sorted(itertools.islice(itertools.product(*choices), 400), key=lambda c: sum(rank for rank, _ in c))
    for combo in combos[:16]:
        given = tuple((slot, value) for slot, (_, value) in zip(needed, combo, strict=True))
        cost = 0.6 * sum(rank for rank, _ in combo)
        for seed_cost, seeded in _seeds(sizes, proposals):
            yield State(given, seeded, cost + seed_cost)


def _seeds(sizes: dict[str, int], proposals: Sequence[Proposal]) -> Iterator[tuple[float, dict[str, int]]]:
    """The first sizes; before them the sizes of images that the file's data sets or transforms state."""
    for proposal in proposals:
        for leaf in leaves(proposal.args):
            if isinstance(leaf, Template) and len(leaf.axes) >= 3:
                height, width = leaf.axes[-2:]
                if isinstance(height, int) and isinstance(width, int):
                    yield -0.3, {**sizes, "H": height, "W": width, "T": width}
    yield 0.0, sizes


def _guessed(state: State) -> str:
    """Where a guess came from, in words."""
    given = ((slot.name, leaf) for slot, value in state.given for leaf in leaves(value))
    reasons = [leaf.why.format(name=name) for name, leaf in given if isinstance(leaf, Template) and leaf.why]
    named = [*dict.fromkeys(reasons)][:2] + ([state.why] if state.why else [])
    return f"guessed from {' and '.join(named)}" if named else "guessed from the network's layers"

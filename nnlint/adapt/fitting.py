"""Ways to make a network fit the data in one view of them, tried in order until one runs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import nn

from nnlint.adapt.arguments import Found, Use, Wanted
from nnlint.adapt.facts import graph_in, traced_anyhow
from nnlint.adapt.layers import Change, scoring
from nnlint.adapt.model import View
from nnlint.adapt.opening import Opening
from nnlint.adapt.plan import Plan, materialise, size_of
from nnlint.adapt.trial import EVALUATED, TRAINED, Outcome, run
from nnlint.adapt.views import shape_of
from nnlint.errors import NnlintError
from nnlint.examine.network import Traced
from nnlint.graph import Graph
from nnlint.inputs.search import NoInputs, Proposal
from nnlint.kinds import log_probability, softmax
from nnlint.load.guessing import Role
from nnlint.train.data.model import Data

#: how torch says that a convolution is given another number of channels than it reads
_CHANNELS = re.compile(r"expected input(\[.*?\]) to have \d+ channels, but got")
_ON_META = "Invalid channel dimensions"
#: what errors of a machine without a GPU speak of, and what helps
_OF_A_GPU = ("cuda", "nvidia", "device type meta", "meta tensor")
_ON_CPU = "build it on the CPU, without running it"
#: an error that is the same at so many sizes has another cause
SAME = 3
#: parameters of the networks that are kept for further tries
MOST_KEPT = 50_000_000


@dataclass(frozen=True, slots=True)
class Fit:
    """A plan that was run, and what came of it."""

    plan: Plan
    outcome: Outcome
    use: Use
    said: tuple[str, ...]


@dataclass(eq=False)
class Fitting:
    """The tries to fit one network to the data.

    Attributes:
        changes: layers that are replaced in any case.
        pixels: for a network of vectors on images: whether it flattens them itself, or is handed their pixels.
        failed: what came of the tries so far, by view.
    """

    opening: Opening
    data: Data
    changes: tuple[Change, ...] = ()
    pixels: Literal["", "flattened by it", "handed over"] = ""
    failed: list[tuple[View, Outcome]] = field(default_factory=list)
    _refused: set[int | None] = field(default_factory=set)
    _built: dict[tuple[object, ...], tuple[nn.Module, Use, list[str]]] = field(default_factory=dict)
    _fits: dict[View, Fit | None] = field(default_factory=dict)
    _traced: Traced | NoInputs | None = None

    def as_written(self) -> tuple[nn.Module, Use]:
        """The network as its file builds it. (It is for looking at: it may have been run.)

        Raises:
            NnlintError: if it cannot be built with real weights.
        """
        try:
            net, use, _ = self._network(Plan({}, self.changes), meta=self.opening.large)
        except NnlintError:
            raise
        except Exception as error:
            candidate = self.opening.candidate
            where = str(candidate.site) if candidate.site else candidate.target
            message = f"{candidate.name} cannot be built with real weights: {type(error).__name__}: {error}"
            on_gpu = any(word in str(error).lower() for word in _OF_A_GPU)
            raise NnlintError(message, where=where, help=_ON_CPU if on_gpu else None) from error
        return net, use

    def change(self, changes: tuple[Change, ...]) -> None:
        """Replace these layers in whatever is tried from now on."""
        self.changes = changes
        self._fits.clear()
        self.failed.clear()

    def traced(self, stated: list[Proposal]) -> Traced | NoInputs:
        """The network as its file builds it, on inputs that it accepts: found once."""
        if self._traced is None:
            self._traced = traced_anyhow(self.opening, stated)
        return self._traced

    @property
    def tried(self) -> tuple[View, ...]:
        """The views tried so far."""
        return tuple(self._fits)

    @property
    def hopeless(self) -> bool:
        """Whether no other view would help: it gives no tensor, or a map whatever the size, or it cannot be trained."""
        if any(outcome.final for _, outcome in self.failed):
            return True
        maps = {view.size for view, outcome in self.failed if outcome.ending == "form" and outcome.shape}
        sizes: dict[str, set[object]] = {}
        for view, outcome in self.failed:
            if outcome.ending == "error":
                sizes.setdefault(outcome.said, set()).add(view.size)
        numbers = {view.size for view, outcome in self.failed if outcome.ending == "numbers"}
        if len(numbers) >= SAME:  # what makes its last numbers cannot be replaced
            return True
        return len(maps) > 1 or (bool(sizes) and min(map(len, sizes.values())) >= SAME)

    def fit(self, view: View) -> Fit | None:
        """A way to make the network fit the data in this view, None if none was found (then see `failed`)."""
        if view not in self._fits:
            self._fits[view] = self._fit(view)
        return self._fits[view]

    def _fit(self, view: View) -> Fit | None:
        shape = shape_of(view, self.data.shape)
        resizable: list[Plan] = []
        refused: list[Wanted] = []
        if view.channels in self._refused:
            return None
        for wanted in self._choices(shape):
            if _without(wanted, "outputs") in refused:
                continue
            plan = Plan(wanted, self.changes, shape, vectors=self.pixels == "handed over")
            outcome = self._try(plan)
            if self._fits_task(outcome):
                fit = self._accepted(plan, outcome)
                if fit is not None:
                    return fit
            self.failed.append((view, outcome))
            if outcome.ending == "numbers":
                resizable.append(plan)
            elif outcome.ending == "error" and outcome.built:  # the number of outputs makes no difference to it
                refused.append(_without(wanted, "outputs"))
                self._note_channels(plan, outcome)
            if outcome.final or outcome.ending == "form":  # other arguments would not help
                return None
        for plan in resizable:
            fit = self._resized(plan)
            if fit is not None:
                return fit
        return None

    def _note_channels(self, plan: Plan, outcome: Outcome) -> None:
        """Remember a number of channels that the first layer refuses whatever the size."""
        channels = plan.shape[0]
        told = _CHANNELS.search(outcome.said)
        given = f"[{TRAINED}, {channels}, ", f"[{EVALUATED}, {channels}, "
        refused = told[1].startswith(given) if told else _ON_META in outcome.said
        if refused and "channels" not in self.as_written()[1].roles():
            self._refused.add(channels)

    # ------------------------------------------------------------------------------------------------ arguments

    def _choices(self, shape: tuple[int, ...]) -> Iterator[Wanted]:
        """Sets of arguments to give, as it is first; each once."""
        _, use = self.as_written()
        for outputs in self._numbers():
            yield from _distinct(self._asked(shape, outputs), use, shape)

    def _asked(self, shape: tuple[int, ...], outputs: int) -> dict[Role, int | tuple[int, int]]:
        """What the data ask of the arguments, by what these say of the data."""
        image = len(shape) == 3 and self.pixels != "handed over"
        full: dict[Role, int | tuple[int, int]] = {"outputs": outputs, "inputs": math.prod(shape)}
        if image:
            full |= {"channels": shape[0], "resolution": (shape[1], shape[2])}
        if not image or self.pixels:  # else, of a network for images, these are the width of a layer
            full["features"] = math.prod(shape)
        return full

    def agrees(self, found: Found, fit: Fit) -> bool:
        """Whether an argument has the value that the data ask for, given to it or its own."""
        shape = fit.plan.shape
        full = self._asked(shape, fit.outcome.outputs)
        values = [full[found.role]] if found.role in full else []
        if found.role == "inputs" and len(shape) == 3:
            values.append(shape[1])
        return any(found.value in _forms(value) for value in values)

    def _numbers(self) -> tuple[int, ...]:
        """The numbers of outputs that will do, the one of the data first."""
        return tuple(dict.fromkeys((self.data.outputs, 1, 2))) if self.data.task == "binary" else (self.data.outputs,)

    def _fits_task(self, outcome: Outcome) -> bool:
        return outcome.ending == "numbers" and outcome.outputs in self._numbers()

    # ----------------------------------------------------------------------------------------------------- tries

    def _network(self, plan: Plan, *, meta: bool) -> tuple[nn.Module, Use, list[str]]:
        """A network to be tried: where nothing depends on the size of the images it is the same for all of them."""
        key = (tuple(sorted(plan.wanted.items())), plan.changes, plan.vectors, meta)
        if key not in self._built:
            if sum(size_of(net) for net, _, _ in self._built.values()) > MOST_KEPT:
                self._built = {kept: one for kept, one in self._built.items() if kept[-1]}
            with torch.random.fork_rng(devices=[]):
                self._built[key] = plan.build(self.opening, meta=meta)
        return self._built[key]

    def _try(self, plan: Plan) -> Outcome:
        """Run a plan: a large network on the meta device first, where most failures show and little is calculated."""
        if self.opening.large:
            outcome = self._tried(plan, meta=True)
            if outcome.ending == "error" and "meta" not in outcome.said.lower():
                return outcome
        return self._tried(plan, meta=False)

    def _tried(self, plan: Plan, *, meta: bool) -> Outcome:
        try:
            net, _, _ = self._network(plan, meta=meta)
        except Exception as error:
            return Outcome("error", said=f"{type(error).__name__}: {error}".splitlines()[0], built=False)
        if any(map(nn.parameter.is_lazy, net.parameters())):  # the first pass fixes its sizes
            self._built = {key: one for key, one in self._built.items() if one[0] is not net}
        return run(net, plan.shape, "meta" if meta else "cpu")

    def _accepted(self, plan: Plan, outcome: Outcome) -> Fit | None:
        """The plan made whole; None where one number for yes or no goes through a softmax, which makes it 1."""
        with torch.random.fork_rng(devices=[]):
            net, use, said = plan.build(self.opening)
        lazy = plan.lazy or any(map(nn.parameter.is_lazy, net.parameters()))
        plan = replace(plan, lazy=lazy, flat=len(outcome.shape) > 1)
        if outcome.outputs == 1 and outcome.trained is not None and self.data.task == "binary":
            graph = self.graph(plan)
            if graph is not None and any(op in softmax | log_probability for op in graph.output.inputs):
                return None
        return Fit(plan, outcome, use, tuple(said))

    def _resized(self, plan: Plan) -> Fit | None:
        """The plan with the layer that makes the scores replaced."""
        with torch.random.fork_rng(devices=[]):
            net = plan.build(self.opening, meta=self.opening.large)[0]
        plan = replace(plan, lazy=any(map(nn.parameter.is_lazy, net.parameters())))
        graph = self.graph(plan)
        head = scoring(graph) if graph is not None else None
        if graph is None or head is None or is_autoencoder(graph):
            return None
        for outputs in self._numbers():
            new = replace(plan, changes=(*plan.changes, Change(head.path, outputs, end=True)))
            outcome = self._try(new)
            if self._fits_task(outcome):
                fit = self._accepted(new, outcome)
                if fit is not None:
                    return fit
        return None

    def graph(self, plan: Plan) -> Graph | None:
        """The graph of the network that a plan makes."""

        def make() -> nn.Module:
            return plan.build(self.opening)[0]

        with torch.random.fork_rng(devices=[]):
            net = make()
            if any(map(nn.parameter.is_lazy, net.parameters())):
                materialise(net, plan.shape)
        return graph_in(self.opening, net, plan.shape, make)


def is_autoencoder(graph: Graph) -> bool:
    """Whether it gives as many numbers as it is given: it makes its input anew, and its last layer makes no scores."""
    given = math.prod(graph.inputs[0].shape) if graph.inputs else 0
    return bool(graph.output.inputs) and math.prod(graph.output.inputs[0].shape) == given


def _distinct(full: Mapping[Role, Any], use: Use, shape: tuple[int, ...]) -> Iterator[Wanted]:
    """Choices of arguments, likeliest first: all of them, then without those whose names may mean something else."""
    roles = use.roles()
    have: dict[Role, Any] = {role: value for role, value in full.items() if role in roles}
    choices: list[dict[Role, Any]] = [have]
    if len(shape) == 3 and "inputs" in have:  # `input_size=32` is the side of an image
        choices.append({**have, "inputs": shape[1]})
    for left_out in _LEFT_OUT:
        choices.append(_without(have, *left_out))
    seen = []
    for choice in choices:
        effect = {role: value for role, value in choice.items() if _changes(role, value, use)}
        if effect not in seen:
            seen.append(effect)
            yield effect


#: arguments that are left as they are, one choice after the other
_LEFT_OUT: tuple[tuple[Role, ...], ...] = (
    ("inputs", "features"),
    ("channels",),
    ("outputs",),
    ("channels", "inputs", "features"),
    ("resolution",),
    ("channels", "inputs", "features", "resolution"),
    ("outputs", "channels", "inputs", "features", "resolution"),
)


def _without(wanted: Mapping[Role, Any], *roles: Role) -> dict[Role, Any]:
    return {role: value for role, value in wanted.items() if role not in roles}


def _changes(role: Role, value: Any, use: Use) -> bool:
    """Whether an argument of this kind has another value than the one wanted."""
    return any(one.value not in _forms(value) for one in use.found if one.role == role)


def _forms(value: Any) -> tuple[Any, ...]:
    """A value in the forms that an argument may have it in."""
    return (value, value[0], list(value)) if isinstance(value, tuple) else (value, (value,), [value])

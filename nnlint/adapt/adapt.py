"""From a target as users write it, and data, to a network that is ready to be trained on them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nnlint.adapt.model import Adapted, NetworkSource, View

if TYPE_CHECKING:
    from torch import nn

    from nnlint.adapt.fitting import Fit, Fitting
    from nnlint.inputs.search import Proposal
    from nnlint.train.data.model import Data

#: no further view is tried after so many seconds
SECONDS = 20.0


def adapt(source: NetworkSource, data: Data, *, size: tuple[int, int] | None = None) -> Adapted:
    """Make a network ready to be trained on data.

    It is taken as it is if it fits; else its constructor's own arguments are given what the data ask for (the number
    of classes, of channels, the resolution), else its last layer is replaced. Whatever is promised was run.

    Args:
        source: the network.
        data: what it is to be trained on.
        size: the (height, width) that images are to be shown in; None: the smallest that suits.

    Raises:
        UsageError: if there is no such file or network, or several and none was named.
        ReadError: if the file is not Python.
        MismatchError: if it does not fit the data and cannot be adapted, with the reason.
        NnlintError: if it cannot be built.
    """
    return adapt_all([source], data, size=size)[0]


def adapt_all(
    sources: Sequence[NetworkSource], data: Data, *, size: tuple[int, int] | None = None
) -> tuple[Adapted, ...]:
    """Make networks ready to be trained on the same data, shown to all of them in the same way.

    Raises:
        what `adapt` raises; `MismatchError` too if there is no one way to show the data to all.
    """
    from nnlint.adapt.home import undisturbed

    with undisturbed():
        return _adapt_all(sources, data, size)


def _adapt_all(sources: Sequence[NetworkSource], data: Data, size: tuple[int, int] | None) -> tuple[Adapted, ...]:
    from nnlint.adapt.explain import mismatch, no_common_view
    from nnlint.adapt.fitting import Fitting
    from nnlint.adapt.opening import open_network
    from nnlint.adapt.pixels import by_pixels

    openings = [open_network(source) for source in sources]
    fittings = [Fitting(opening, data) for opening in openings]
    proposals = [_stated(fitting) for fitting in fittings]
    if len(data.shape) == 1:
        _read_by(fittings, proposals, data)
    views = _views(fittings, proposals, data, size)
    begun = time.monotonic()
    for view in views:
        fits = _fits(fittings, view)
        if fits is not None:
            return tuple(_adapted(one, fit, view, size) for one, fit in zip(fittings, fits, strict=True))
        if any(one.hopeless for one in fittings) or time.monotonic() - begun > SECONDS:
            break
        if view is views[min(1, len(views) - 1)] and _is_foreign(fittings, proposals):
            break
    for view in _taken(fittings, proposals, data) if size is None else ():
        fits = _fits(fittings, view)
        if fits is not None:
            return tuple(_adapted(one, fit, view, size) for one, fit in zip(fittings, fits, strict=True))
    pixels = by_pixels(fittings, proposals, views, data, size)
    if pixels.shown:
        return tuple(_adapted(one.fitting, one.fit, one.view, size) for one in pixels.shown)
    accepted = []
    for one, stated in zip(fittings, proposals, strict=True):
        own = pixels.fitted.get(one) or next((view for view in one.tried if one.fit(view) is not None), None)
        own = own or _any(one, views) if len(fittings) > 1 else own
        if own is None:
            raise mismatch(one, stated, pixels.failed.get(one))
        accepted.append(own)
    raise no_common_view(fittings, accepted)


def _taken(fittings: Sequence[Fitting], proposals: Sequence[list[Proposal]], data: Data) -> Iterator[View]:
    """The sizes of images that networks were found to take, where those were not tried: one may take no other."""
    from nnlint.adapt.views import channels, stated_sizes
    from nnlint.examine.network import Traced
    from nnlint.inputs.search import Proposal

    if len(data.shape) != 3 or any(outcome.final for one in fittings for _, outcome in one.failed):
        return
    counts = channels(data.shape[0], [one.as_written() for one in fittings])
    for fitting, stated in zip(fittings, proposals, strict=True):
        found = fitting.traced(stated)
        if isinstance(found, Traced):
            own = Proposal(found.inputs.args, found.inputs.kwargs, "", "guess")
            views = (View(count, side) for side in stated_sizes([own]) for count in counts)
            yield from (view for view in views if view not in fitting.tried)


def _is_foreign(fittings: Sequence[Fitting], proposals: Sequence[list[Proposal]]) -> bool:
    """Whether one of the networks fails on these data, and was made for something else altogether."""
    from nnlint.adapt.explain import takes_something_else

    return any(
        takes_something_else(one, stated)
        for one, stated in zip(fittings, proposals, strict=True)
        if one.failed and all(outcome.ending == "error" for _, outcome in one.failed)
    )


def _any(fitting: Fitting, views: Sequence[View]) -> View | None:
    """The first view that one network fits the data in."""
    begun = time.monotonic()
    for view in views:
        if fitting.hopeless or time.monotonic() - begun > SECONDS:
            return None
        if fitting.fit(view) is not None:
            return view
    return None


def _fits(fittings: Sequence[Fitting], view: View) -> list[Fit] | None:
    """A fit for each network, None as soon as one has none."""
    found = []
    for one in fittings:
        fit = one.fit(view)
        if fit is None:
            return None
        found.append(fit)
    return found


def _stated(fitting: Fitting) -> list[Proposal]:
    """What a file says of its network's inputs."""
    from nnlint.adapt.facts import BATCH
    from nnlint.examine.proposals import stated_inputs

    opening = fitting.opening
    with opening.home.open():
        return stated_inputs(opening.script, opening.candidate, alone=opening.alone, batch=BATCH)


def _read_by(fittings: Sequence[Fitting], proposals: Sequence[list[Proposal]], data: Data) -> None:
    """The layers that read vectors made as wide as these are, where no argument of the network does it."""
    from nnlint.adapt.layers import Change, reading
    from nnlint.examine.network import Traced, graph_of

    for fitting, stated in zip(fittings, proposals, strict=True):
        if fitting.fit(View()) is not None:
            continue
        traced = fitting.traced(stated)
        if isinstance(traced, Traced):
            first = reading(graph_of(traced, fitting.opening.candidate.name, fitting.opening.script.path))
            fitting.change(tuple(Change(op.path, data.shape[0], end=False) for op in first))


def _views(
    fittings: Sequence[Fitting], proposals: Sequence[list[Proposal]], data: Data, size: tuple[int, int] | None
) -> list[View]:
    from nnlint.adapt.views import channels, sizes, stated_sizes

    if len(data.shape) != 3:
        return [View()]
    written = [fitting.as_written() for fitting in fittings]
    chooses = any("resolution" in use.roles() for _, use in written)
    stated = [one for found in proposals for one in stated_sizes(found)]
    patches = [one.value for _, use in written for one in use.found if one.role == "patch"]
    patch = max((one if isinstance(one, int) else max(one) for one in patches), default=1)
    counts = channels(data.shape[0], written)
    return [
        View(count, side)
        for side in sizes(data.shape, asked=size, chooses=chooses, stated=stated, patch=patch)
        for count in counts
    ]


def _adapted(fitting: Fitting, fit: Fit, view: View, size: tuple[int, int] | None) -> Adapted:
    from nnlint.adapt.asked import as_built
    from nnlint.adapt.facts import BATCH, head_of, stated_loss
    from nnlint.adapt.notes import notes

    opening, plan = fitting.opening, fit.plan
    graph = fitting.graph(plan)

    def build() -> nn.Module:
        return plan.build(opening)[0]

    assert fit.outcome.trained is not None
    loss, at, arguments = stated_loss(opening, graph)
    said = list(notes(fitting, fit, view, size))
    if arguments:
        said.append(f"{at} states its loss with {arguments}, which is not taken over")
    params, macs = (graph.params, graph.macs // BATCH) if graph is not None else (_count(build()), 0)
    # what is written down is the call that builds this network, not one that the data have overruled
    target = as_built(opening.source.target, opening.candidate, fit.use.changed)
    return Adapted(
        replace(opening.source, target=target),
        opening.candidate.name,
        build,
        view,
        fit.outcome.outputs,
        head_of(graph, fit.outcome.trained),
        params,
        macs,
        loss,
        at,
        tuple(said),
    )


def _count(net: nn.Module) -> int:
    return sum(math.prod(one.shape) for one in net.parameters())

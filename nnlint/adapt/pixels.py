"""A network of vectors on images: it is shown the vectors of their pixels, and is made as wide as these are."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor

from nnlint.adapt.fitting import Fit, Fitting, is_autoencoder
from nnlint.adapt.layers import Change, reading
from nnlint.adapt.model import View
from nnlint.adapt.views import shape_of
from nnlint.examine.network import Traced, graph_of
from nnlint.graph import Op
from nnlint.inputs.search import Proposal
from nnlint.inputs.template import leaves
from nnlint.train.data.model import Data

#: no further view is tried after so many seconds
SECONDS = 20.0


@dataclass(eq=False)
class Pixels:
    """What came of showing networks the same pixels.

    Attributes:
        shown: a fit for each of them; empty if there is none for one of them.
        fitted: a view that a network of vectors was fitted in.
        failed: the last tries with the pixels, for a network of vectors that was fitted in none.
    """

    shown: list[Shown] = field(default_factory=list)
    fitted: dict[Fitting, View] = field(default_factory=dict)
    failed: dict[Fitting, Fitting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shown:
    """A network with the way it was fitted, and the view it is in."""

    fitting: Fitting
    fit: Fit
    view: View


def by_pixels(
    fittings: Sequence[Fitting],
    proposals: Sequence[list[Proposal]],
    views: Sequence[View],
    data: Data,
    size: tuple[int, int] | None,
) -> Pixels:
    """Show images to networks some of which take vectors: all of them see the same pixels.

    One network is shown vectors. Several are shown images, of which those that take vectors are handed the pixels.

    Args:
        views: those that were tried for networks of images, in order.
        size: the one that was asked for.
    """
    first = [_reading(one, stated) for one, stated in zip(fittings, proposals, strict=True)]
    pixels = Pixels()
    if all(layers is None for layers in first) or len(data.shape) != 3:
        return pixels
    if None not in first:  # more pixels than there are say nothing more
        views = (View(data.shape[0], size or (data.shape[1], data.shape[2])),)
    begun = time.monotonic()
    for view in views:
        shown: list[Shown] = []
        for one, layers in zip(fittings, first, strict=True):
            found = _shown(one, layers, view, pixels, alone=len(fittings) == 1)
            if found is None:
                break
            shown.append(found)
        if len(shown) == len(fittings):
            pixels.shown = shown
            break
        if any(one.hopeless for one, layers in zip(fittings, first, strict=True) if layers is None):
            break
        if time.monotonic() - begun > SECONDS:
            break
    return pixels


def _reading(fitting: Fitting, stated: list[Proposal]) -> tuple[Op, ...] | None:
    """The layers that read the vectors which a network takes (or makes of images, before anything else), if it does."""
    traced = fitting.traced(stated)
    if not isinstance(traced, Traced):
        return None
    given = [leaf for leaf in leaves((traced.inputs.args, traced.inputs.kwargs)) if isinstance(leaf, Tensor)]
    if len(given) != 1 or not given[0].is_floating_point():
        return None
    graph = graph_of(traced, fitting.opening.candidate.name, fitting.opening.script.path)
    layers = reading(graph)
    if is_autoencoder(graph) or not (layers or given[0].dim() == 2):
        return None
    return layers


def _shown(fitting: Fitting, layers: tuple[Op, ...] | None, view: View, pixels: Pixels, *, alone: bool) -> Shown | None:
    fit = fitting.fit(view)
    if fit is not None or layers is None:
        return Shown(fitting, fit, view) if fit is not None else None
    opening, data = fitting.opening, fitting.data
    width = math.prod(shape_of(view, data.shape))
    wider = tuple(Change(op.path, width, end=False) for op in layers)
    for changes in ((), wider) if wider else ((),):
        one = Fitting(opening, data, changes, pixels="flattened by it")
        if (fit := one.fit(view)) is not None:
            pixels.fitted[fitting] = view
            return Shown(one, fit, view)
    for changes in ((), wider) if wider else ((),):
        one = Fitting(opening, data, changes, pixels="" if alone else "handed over")
        flat = replace(view, flat=True) if alone else view
        if (fit := one.fit(flat)) is not None:
            pixels.fitted[fitting] = replace(view, flat=True)
            pixels.failed.pop(fitting, None)
            return Shown(one, fit, flat)
        if fitting not in pixels.fitted:
            pixels.failed[fitting] = one
    return None

"""What was adapted, in sentences: everything that was decided for the user is said."""

from __future__ import annotations

import math
from collections.abc import Iterator

from nnlint.adapt.asked import asked_for
from nnlint.adapt.explain import view_text
from nnlint.adapt.facts import pretrained
from nnlint.adapt.fitting import Fit, Fitting
from nnlint.adapt.model import View
from nnlint.adapt.views import SIDES, shape_of
from nnlint.train.data.model import Data


def notes(fitting: Fitting, fit: Fit, view: View, size: tuple[int, int] | None) -> Iterator[str]:
    """The sentences on a network that fits, in the order they are to be read.

    Args:
        size: the (height, width) that the user asks for.
    """
    opening, data = fitting.opening, fitting.data
    guessed = {text.partition("=")[0]: text for text in opening.candidate.guesses}
    settled = {one.name: one.value for one in reversed(fit.use.found) if fitting.agrees(one, fit)}
    by_data = {name: value for name, value in settled.items() if name in guessed} | fit.use.changed
    yield from _arguments(fitting, fit, by_data)
    yield from fit.said
    if note := _shown(data, view, size):
        yield note
    if fit.plan.vectors:
        yield f"it takes vectors: each image is handed to it as its {math.prod(fit.plan.shape)} pixels"
    if fit.plan.flat:
        yield "axes of size 1 are left out of its result"
    if opening.shared:
        layers = ", ".join(sorted(opening.shared))
        yield f"{layers}: made once in the file for all networks; each network that is trained has its own"
    assumed = [text for name, text in guessed.items() if name not in by_data]
    if assumed:
        yield f"assumed {', '.join(assumed)}: nobody states them"
    if (loaded := pretrained(opening)) is not None:
        yield f"{loaded}: weights that were trained before are not loaded; it begins with fresh ones"
    yield from opening.notes


def _arguments(fitting: Fitting, fit: Fit, by_data: dict[str, object]) -> Iterator[str]:
    """The arguments that have their values by the data; those that the user asked to have others, one by one."""
    opening = fitting.opening
    contradicted = asked_for(opening.source.target, opening.candidate) & set(fit.use.changed)
    before = {one.name: one.value for one in reversed(fit.use.found)}  # the first of a name is the outermost
    order = [name for name in dict.fromkeys(one.name for one in fit.use.found) if name in by_data]
    plain = [f"{name}={by_data[name]!r}" for name in order if name not in contradicted]
    if plain:
        yield f"{', '.join(plain)} for the data"
    for name in order:
        if name in contradicted:
            yield f"{name}={by_data[name]!r} for the data, in place of the {before[name]!r} that was asked for"


def _shown(data: Data, view: View, size: tuple[int, int] | None) -> str:
    """How the data are shown, and why so; empty where they are shown as they are and nothing else was asked for."""
    if len(data.shape) != 3:
        return ""
    how = []
    own, shown = (data.shape[1], data.shape[2]), view.size or (data.shape[1], data.shape[2])
    if size is not None:
        how.append("as --size asks")
    elif shown == (SIDES[0], SIDES[0]) and min(own) < SIDES[0]:
        asked = f"{own[0]}" if own[0] == own[1] else f"{own[0]}x{own[1]}"
        how.append(
            f"resized from {own[0]}x{own[1]}: networks get {SIDES[0]} pixels a side or more, --size {asked} keeps it"
        )
    elif shown != own:
        how.append(f"resized from {own[0]}x{own[1]} to what suits it")
    if view.channels not in (None, data.shape[0]):
        how.append("grey repeated" if data.shape[0] == 1 else "colours as luminance")
    if not how and shape_of(view, data.shape) == data.shape:
        return ""
    return f"{data.name} is shown as {view_text(view)}" + (f" ({'; '.join(how)})" if how else "")

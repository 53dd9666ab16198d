"""The networks of a comparison opened and described, before any is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nnlint.compare.plan import Described, Plan
from nnlint.compare.pool import Call, Died, Pool
from nnlint.errors import NnlintError

RUNS = "nnlint.compare.runs"


@dataclass(frozen=True, slots=True)
class Opened:
    """What is to be trained.

    Attributes:
        plan: with the networks that can be opened.
        places: where each of the plan that was asked for is in it.
        described: each that was asked for; one that cannot be opened under its label.
        reasons: why those cannot.
    """

    plan: Plan
    places: Mapping[int, int]
    described: tuple[Described, ...]
    reasons: Mapping[int, str]


def open_all(pool: Pool, plan: Plan) -> Opened:
    """Open and describe the networks of a plan, in a process: their files run, and may crash.

    Of several that are compared with the first, one that cannot be opened does not keep the others from it. What goes
    wrong with the first, or with all others, is an error.

    Raises:
        NnlintError: if the data cannot be loaded, or no two of the networks be compared.
    """
    everything = range(len(plan.sources))
    (found,) = _described(pool, [plan])
    if not isinstance(found, NnlintError):
        return Opened(plan, {at: at for at in everything}, found, {})
    if len(plan.sources) == 2:
        raise found
    # each with the first: what does not fit it cannot be compared with it either
    couples = [replace(plan, sources=(plan.sources[0], source)) for source in plan.sources[1:]]
    tried = dict(enumerate(_described(pool, couples), 1))
    reasons = {at: _in_a_line(one) for at, one in tried.items() if isinstance(one, NnlintError)}
    kept = [at for at in everything if at not in reasons]
    if not reasons or len(kept) == 1:
        raise found
    rest = replace(plan, sources=tuple(plan.sources[at] for at in kept))
    (found,) = _described(pool, [rest])
    if isinstance(found, NnlintError):
        raise found
    places = {at: place for place, at in enumerate(kept)}
    described = tuple(
        found[places[at]] if at in places else _lost(source.label or source.target, found[0])
        for at, source in enumerate(plan.sources)
    )
    return Opened(rest, places, described, reasons)


def _described(pool: Pool, plans: list[Plan]) -> list[tuple[Described, ...] | NnlintError]:
    """Each plan's networks described, or why they cannot be."""
    calls: list[list[Call]] = [[(f"{RUNS}:describe", (plan,))] for plan in plans]
    came: dict[int, tuple[Described, ...] | NnlintError] = {}
    for done in pool.run(calls):
        if isinstance(done.value, Died):
            came[done.batch] = NnlintError(
                f"a network could not be opened: {done.value.reason}", where="nnlint compare"
            )
        else:
            came[done.batch] = done.value
    return [came[at] for at in range(len(plans))]


def _in_a_line(error: NnlintError) -> str:
    head = f"{error.where}: {error.message}" if error.where else error.message
    return " ".join(head.split())


def _lost(name: str, first: Described) -> Described:
    """A network of which nothing is known but what it would have been judged by."""
    return Described(name, ("could not be opened",), first.loss, "as the first", first.metric, 0, 0, first.data, 0)

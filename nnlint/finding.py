"""What a rule reports: `Finding`, and the `Edit`s that would mend it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from nnlint.site import Fact, Site

if TYPE_CHECKING:
    from nnlint.graph import Op

#: error: it crashes, computes the wrong thing or cannot learn. warning: a departure with a known cost.
#: info: an opinionated default.
Level = Literal["error", "warning", "info"]
LEVELS: tuple[Level, ...] = ("error", "warning", "info")  # most severe first


@dataclass(frozen=True, slots=True)
class Related:
    """Another expression that has part in a finding: what it is called, and where."""

    label: str
    site: Site


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace one span by a text."""

    site: Site
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits applied together or not at all. Safe: the network computes the same numbers from the same state_dict."""

    edits: tuple[Edit, ...]
    safe: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """One departure, at one expression.

    A rule makes it with `Op.finding` or `Finding.about`; ``rule``, ``category`` and, unless the rule chose one for
    this very finding, ``level`` are filled in by the engine, which knows the rule.

    Attributes:
        site: the expression to point at; None only when it is not known (a model handed in without its source).
        paths: module paths of every place the expression made (modules built in a loop share their expression).
        ops: the names of the ops concerned, this one first.
        shape: the shape at the op, batch axis included, if there is one.
        facts: measured numbers (params, MACs, bytes, sizes): plain values for the machine formats.
        network: the name of the network it is about, "" for a finding about the training alone.
        subjects: the ops concerned themselves, this one first: for the rule's fix. They hold live modules, so a signed
            finding, which may go to another process, has none.
    """

    message: str
    site: Site | None
    related: tuple[Related, ...] = ()
    paths: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()
    shape: tuple[int, ...] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    fix: Fix | None = None
    rule: str = ""
    level: Level | None = None
    category: str = ""
    network: str = ""
    subjects: tuple[Op, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def at(cls, op: Op, message: str, related: Iterable[Op] = (), facts: Mapping[str, Any] | None = None) -> Finding:
        """A finding at an op."""
        others = tuple(related)
        return cls(
            message,
            op.site or op.call_site,
            tuple(Related(other.label, site) for other in others if (site := other.site or other.call_site)),
            paths=(op.path,) if op.path else (),
            ops=(op.name, *(other.name for other in others)),
            shape=op.shape if op.values else None,
            facts=dict(facts or {}),
            subjects=(op, *others),
        )

    @classmethod
    def about(cls, fact: Fact[Any] | Site, message: str, *related: tuple[str, Site], **facts: Any) -> Finding:
        """A finding about a fact of the recipe (or at a bare site)."""
        site = fact.site if isinstance(fact, Fact) else fact
        return cls(message, site, tuple(Related(label, where) for label, where in related), facts=facts)

    def by(self, rule: str, level: Level, category: str, network: str = "") -> Finding:
        """The finding signed with the rule that made it."""
        return replace(
            self, rule=rule, level=self.level or level, category=category, network=network or self.network, subjects=()
        )

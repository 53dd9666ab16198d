"""Rules applied: to a graph, or to a recipe. A rule that crashes is reported and the others go on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnlint.finding import LEVELS, Edit, Finding, Fix, Level
from nnlint.site import Site

if TYPE_CHECKING:
    from nnlint.graph import Graph, Op
    from nnlint.recipe import Recipe
    from nnlint.rule import Rule

#: the name of the finding a crashed rule leaves behind; it makes the exit code 2
INTERNAL_ERROR = "internal-error"
#: rule name → its options by name; ``level`` among them is the level of its findings
Options = Mapping[str, Mapping[str, Any]]
_NONE: Options = {}


def check_graph(
    graph: Graph,
    rules: Iterable[Rule],
    timing: MutableMapping[str, float] | None = None,
    options: Options = _NONE,
) -> list[Finding]:
    """The findings of the graph rules among ``rules``, signed, merged and sorted, each with its rule's fix.

    Args:
        timing: seconds are added to it under each rule's name.
        options: what the configuration says of rules by their names.
    """
    on_graphs = [rule for rule in rules if rule.check.on == "graph"]
    return tidy(f for rule in on_graphs for f in _apply(rule, graph, graph.name, timing, options))


def check_recipe(
    recipe: Recipe,
    rules: Iterable[Rule],
    timing: MutableMapping[str, float] | None = None,
    options: Options = _NONE,
) -> list[Finding]:
    """The findings of the recipe rules among ``rules``; otherwise as `check_graph`."""
    on_recipes = [rule for rule in rules if rule.check.on == "recipe"]
    return tidy(f for rule in on_recipes for f in _apply(rule, recipe, "", timing, options))


def signed(finding: Finding, rule: Rule, network: str = "", options: Options = _NONE) -> Finding:
    """A finding as it leaves its rule: with the rule's name, its level and its fix.

    A level that the configuration gives the rule is that of every finding of it.
    """
    mended = replace(finding, fix=_fix(rule, finding)) if rule.fix and finding.fix is None else finding
    level = options.get(rule.name, {}).get("level")
    if level is not None:
        mended = replace(mended, level=level)
    return mended.by(rule.name, rule.level, rule.category, network)


def of_run_rules(findings: Iterable[Finding], rules: Iterable[Rule], options: Options = _NONE) -> list[Finding]:
    """Findings nnlint has made itself: those of run rules with their rule's fix and level, the others as they are."""
    by_name = {rule.name: rule for rule in rules if rule.check.on == "run"}
    return [
        signed(found, by_name[found.rule], options=options) if found.rule in by_name else found for found in findings
    ]


def _fix(rule: Rule, finding: Finding) -> Fix | None:
    assert rule.fix is not None
    edits = rule.fix.function(finding)
    if not edits:
        return None
    return Fix((edits,) if isinstance(edits, Edit) else tuple(edits), rule.fix.safe)


def tidy(findings: Iterable[Finding]) -> list[Finding]:
    """One finding a rule and expression, in the order of the sites.

    An expression in a loop makes many modules, and one file may build a class several times: the first finding is kept,
    with the paths of all.
    """
    kept: dict[object, Finding] = {}
    for finding in findings:
        key = (finding.rule, finding.site, "" if finding.site and finding.rule != INTERNAL_ERROR else finding.message)
        first = kept.get(key)
        kept[key] = finding if first is None else _merged(first, finding)
    return sorted(kept.values(), key=_order)


def _apply(
    rule: Rule, subject: Any, network: str, timing: MutableMapping[str, float] | None, options: Options
) -> list[Finding]:
    given = {name: value for name, value in options.get(rule.name, {}).items() if name != "level"}
    start = time.perf_counter()
    found: list[Finding] = []
    meant: list[Op | None] = []
    try:
        # one by one: what a rule finds before it crashes is kept
        for finding in rule.check.function(subject, **given):
            found.append(signed(finding, rule, network, options))
            meant.append(next(iter(finding.subjects), None))
        if rule.check.on == "graph" and any(finding.fix for finding in found):
            found = _where_all_are_meant(found, meant, subject)
    except Exception as error:
        found.append(_internal_error(rule, error, subject, network))
    finally:
        if timing is not None:
            timing[rule.name] = timing.get(rule.name, 0.0) + time.perf_counter() - start
    return found


def _where_all_are_meant(found: list[Finding], meant: list[Op | None], graph: Graph) -> list[Finding]:
    """The findings without the fixes that would change more than what the rule has found.

    One expression may make several modules, or run several times (a loop, a helper function); where the rule finds
    fault with some of them only, editing it would change the others as well.
    """

    def what(op: Op) -> tuple[Site | None, str, int]:
        return op.site, op.name, op.index if op.module is None else id(op.module)

    faulty = {what(op) for op in meant if op is not None}
    spared = {what(op)[:2] for op in graph.ops if op.site is not None and what(op) not in faulty}
    return [
        replace(finding, fix=None) if op is not None and finding.fix and what(op)[:2] in spared else finding
        for finding, op in zip(found, meant, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Checked:
    """A network as the rules have seen it: the expressions its ops stand at, and where which rule found fault."""

    sites: frozenset[Site]
    faults: frozenset[tuple[str, Site]]


def checked(graph: Graph, findings: Iterable[Finding]) -> Checked:
    """What is kept of a network that was checked."""
    sites = frozenset(op.site for op in graph.ops if op.site is not None)
    return Checked(sites, frozenset((found.rule, found.site) for found in findings if found.site is not None))


def where_all_networks_are_meant(findings: Iterable[Finding], networks: Sequence[Checked]) -> list[Finding]:
    """The findings without the fixes that would change other networks of the file, in which the rule finds no fault."""

    def spares(network: Checked, finding: Finding) -> bool:
        return finding.site in network.sites and (finding.rule, finding.site) not in network.faults

    on_graphs = {fault for network in networks for fault in network.faults}
    return [
        replace(finding, fix=None)
        if finding.fix and (finding.rule, finding.site) in on_graphs and any(spares(one, finding) for one in networks)
        else finding
        for finding in findings
    ]


def _internal_error(rule: Rule, error: Exception, subject: Any, network: str) -> Finding:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f" at {Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else ""
    said = str(error) or "no message"
    message = f"the rule {rule.name} of the pack {rule.pack} crashed{place}: {type(error).__name__}: {said}"
    file: str | None = subject.file
    site = Site(file, 1, 1, 1, 1) if file else None
    return Finding(
        message, site, facts={"rule": rule.name}, rule=INTERNAL_ERROR, level="error", category="nnlint", network=network
    )


def _merged(first: Finding, other: Finding) -> Finding:
    paths = first.paths + tuple(path for path in other.paths if path not in first.paths)
    return replace(first, paths=paths, level=_worse(first.level, other.level))


def _worse(first: Level | None, other: Level | None) -> Level | None:
    return next((level for level in LEVELS if level in (first, other)), None)


def severity(level: str | None) -> int:
    """0 for an error, then upwards: the smaller the more severe. A finding without a level counts as a warning.

    Raises:
        ValueError: for a word that is no level.
    """
    return LEVELS.index(level or "warning")


def _order(finding: Finding) -> tuple[Any, ...]:
    site = finding.site
    place = (0, site.file, site.line, site.column) if site else (1, "", 0, 0)
    return (*place, severity(finding.level), finding.rule, finding.message)

"""Rules applied: to a graph, or to a recipe. A rule that crashes is reported and the others go on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnlint.finding import LEVELS, Edit, Finding, Fix, Level
from nnlint.site import Site

if TYPE_CHECKING:
    from nnlint.graph import Graph
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
    try:
        # one by one: what a rule finds before it crashes is kept
        for finding in rule.check.function(subject, **given):
            found.append(signed(finding, rule, network, options))
    except Exception as error:
        found.append(_internal_error(rule, error, subject, network))
    finally:
        if timing is not None:
            timing[rule.name] = timing.get(rule.name, 0.0) + time.perf_counter() - start
    return found


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

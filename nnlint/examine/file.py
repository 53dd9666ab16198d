"""One file, from its path to its report: read, load, find inputs, record, build the graphs, run the rules.

This is what a worker runs. Whatever is known after each network is handed over at once (`emit`), so that one that takes
too long or brings the process down does not cost what came before.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

from torch import nn

from nnlint.check import Checked, check_graph, check_recipe, checked, of_run_rules, where_all_networks_are_meant
from nnlint.errors import NnlintError, RulePackError
from nnlint.examine import failures
from nnlint.examine.configured import load_configured
from nnlint.examine.ignorance import known
from nnlint.examine.judges import losses_of, of_part, trained_as
from nnlint.examine.network import Subject, Traced, count_params, graph_of, report_of, trace_network
from nnlint.examine.proof import proof_of
from nnlint.examine.proposals import explicit_inputs, stated_inputs
from nnlint.examine.rebatch import rebatched
from nnlint.finding import Finding
from nnlint.graph import Graph
from nnlint.inputs.search import NoInputs
from nnlint.load.candidate import Candidate, Failure
from nnlint.load.load import load
from nnlint.load.timing import TookTooLongError, time_limit
from nnlint.registry import load_rules, rule_names
from nnlint.report.model import FileReport, NetworkReport
from nnlint.rule import Rule
from nnlint.script.model import Script
from nnlint.script.read import read
from nnlint.script.source import instead
from nnlint.settings import Settings
from nnlint.trace.losses import GivenLoss
from nnlint.worker.server import emit, out_of_memory

T = TypeVar("T")


@cache
def prepare() -> None:
    """Import the rules of the installed packs: a worker does it once, before it forks a child for each file."""
    load_rules(rule_names(), [])


def examine_file(path: str, name: str | None, settings: Settings) -> FileReport:
    """Examine one file.

    Args:
        path: the file.
        name: the one network of it that is meant (``Net``, ``Net(10)``, ``make_model``); None for all.
        settings: what was asked for; ``settings.rules`` are the names of the rules to run.
    """
    with instead(settings.texts):
        return _Examination(path, name, settings).run()


@dataclass
class _Examination:
    """The work on one file, and what it has come to so far."""

    path: str
    name: str | None
    settings: Settings
    networks: list[NetworkReport] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    timing: dict[str, float] = field(default_factory=dict)
    graphs: dict[str, Graph] = field(default_factory=dict)
    covered: set[int] = field(default_factory=set)
    checked: list[Checked] = field(default_factory=list)
    rules: tuple[Rule, ...] = ()

    def run(self) -> FileReport:
        script = self._timed("read", lambda: read(self.path))
        rules = self._rules()
        try:
            explicit_inputs(self.settings)  # a wrong one is told before any work is done
            found = self._timed("load", lambda: load_configured(partial(load, script), self.name, self.settings))
        except NnlintError as error:
            self.errors.append(str(error))
            return self._report()
        loaded = found.loaded
        self.notes += loaded.notes
        self._add(failures.not_built(loaded.failures))
        for failure in loaded.failures:
            self._failed(failure)
        emit(self._report())
        alone = len(loaded.candidates) == 1
        for candidate in loaded.candidates:
            try:
                self._network(script, candidate, found.settings.get(candidate, self.settings), rules, alone)
            except Exception as error:  # the file's other networks are examined all the same
                if out_of_memory(error):
                    raise
                self._broken(candidate, error)
            emit(self._report())
        recipe = replace(script.recipe, graphs=dict(self.graphs))
        self.findings += check_recipe(recipe, rules, self.timing, self.settings.options)
        return self._report(empty=not loaded.candidates and not loaded.failures)

    def _rules(self) -> tuple[Rule, ...]:
        problems: list[RulePackError] = []
        rules = self._timed("rules", lambda: load_rules(self.settings.rules, problems, self.settings.local_rules))
        self.errors += map(str, problems)
        self.rules = rules
        return rules

    def _report(self, *, empty: bool = False) -> FileReport:
        return FileReport(
            self.path,
            tuple(self.networks),
            tuple(where_all_networks_are_meant(self.findings, self.checked)),
            tuple(self.errors),
            tuple(self.notes),
            empty=empty,
            timing=dict(self.timing),
            ran=tuple(rule.name for rule in self.rules),
            covered=frozenset(self.covered),
        )

    def _timed(self, stage: str, work: Callable[[], T]) -> T:
        start = time.perf_counter()
        try:
            return work()
        finally:
            self.timing[stage] = self.timing.get(stage, 0.0) + time.perf_counter() - start

    def _failed(self, failure: Failure) -> None:
        line = failure.site.line if failure.site else None
        reason = failures.said(failure)
        self.networks.append(
            NetworkReport(failure.target, self.path, failure.name, failure.name, "failed", reason=reason, line=line)
        )

    def _network(
        self, script: Script, candidate: Candidate, settings: Settings, rules: tuple[Rule, ...], alone: bool
    ) -> None:
        base = self._base(candidate)
        seconds = max(2.0, 0.4 * self.settings.time_limit)
        batch = settings.batch_size or 2
        proposals = explicit_inputs(settings) or stated_inputs(script, candidate, alone=alone, batch=batch)
        subject = subject_of(script, candidate)
        try:
            with time_limit(seconds):
                traced = self._timed("trace", lambda: trace_network(subject, proposals, batch=batch))
                if isinstance(traced, NoInputs):
                    self._untraced(base, candidate, traced)
                    return
                graph = self._timed("graph", lambda: self._graph(script, candidate, traced, settings.loss))
                graph = self._timed("second run", lambda: with_other_batch(script, traced, graph))
        except TookTooLongError as late:
            self._stopped(base, candidate, f"finding its input and recording its forward pass took too long ({late})")
            return
        for variable in trained_as(script, candidate):
            self.graphs[variable] = graph
        self.covered |= _lines_of(graph, self.path)
        found = known(check_graph(graph, rules, self.timing, self.settings.options), candidate.guesses)
        self.checked.append(checked(graph, found))
        self._add(moved_home(found, candidate, self.path))
        report = report_of(base, traced, graph, rows=self.settings.rows)
        if self.settings.proof:
            rebuild, numbers = subject.rebuild, self.settings.numbers
            proof = self._timed("proof", lambda: proof_of(traced, graph, rebuild, numbers=numbers))
            report = replace(report, proof=proof)
        self.networks.append(report)

    def _base(self, candidate: Candidate) -> NetworkReport:
        return NetworkReport(
            candidate.target,
            self.path,
            candidate.name,
            type(candidate.module).__qualname__,
            "built",
            candidate.found,
            guesses=candidate.guesses,
            line=candidate.site.line if candidate.site else None,
        )

    def _broken(self, candidate: Candidate, error: Exception) -> None:
        """nnlint itself failed on one network: that is told, and its traceback is among what the code printed."""
        traceback.print_exception(error)
        reason = f"internal error: {type(error).__name__}: {error}"
        self.errors.append(f"{candidate.name} was not examined to the end: {reason}")
        self.networks.append(replace(self._base(candidate), how="partial", reason=reason))

    def _graph(self, script: Script, candidate: Candidate, traced: Traced, loss: str | None) -> Graph:
        losses: list[GivenLoss] = [loss] if loss else list(losses_of(script, candidate))
        graph = graph_of(traced, candidate.name, self.path, losses)
        if not losses and (inner := of_part(script, candidate, graph)):
            return graph_of(traced, candidate.name, self.path, inner)
        return graph

    def _untraced(self, base: NetworkReport, candidate: Candidate, found: NoInputs) -> None:
        own = found.own
        finding = failures.mismatch(candidate, own) if own else failures.not_traced(candidate, found)
        self._add([finding])
        self.networks.append(
            replace(base, how="partial", params=count_params(candidate.module), reason=finding.message)
        )

    def _stopped(self, base: NetworkReport, candidate: Candidate, reason: str) -> None:
        self._add([failures.stopped(candidate, reason)])
        self.networks.append(replace(base, how="partial", params=count_params(candidate.module), reason=reason))

    def _add(self, findings: Iterable[Finding]) -> None:
        """Findings of rules that are asked for (what a rule file's own check finds always is)."""
        asked = [f for f in findings if f.rule in self.settings.rules or f.rule == "internal-error"]
        self.findings += of_run_rules(asked, self.rules, self.settings.options)


def with_other_batch(script: Script, traced: Traced, graph: Graph) -> Graph:
    """The graph with what a run with another batch size shows."""
    last = any(loader.drop_last is None or not loader.drop_last.value for loader in script.recipe.training_loaders())
    return rebatched(graph, traced.module, (traced.inputs.args, traced.inputs.kwargs), {}, loader=last)


def _lines_of(graph: Graph, path: str) -> set[int]:
    """The lines of a file that the ops of a graph stand on."""
    sites = (site for op in graph.ops for site in (op.site, op.call_site) if site is not None and site.file == path)
    return {line for site in sites for line in range(site.line, site.end_line + 1)}


def subject_of(script: Script, candidate: Candidate) -> Subject:
    """The candidate to be traced. A class whose ``forward`` has another name is called by that one."""
    known = next((cls for cls in script.networks if cls.name == type(candidate.module).__qualname__), None)
    name = known.forward_name if known else None
    if name is None or name == "forward":
        return Subject(candidate.module, candidate.rebuild, candidate.sites)

    def rebuild() -> nn.Module:
        return _called_by(candidate.rebuild(), name)

    return Subject(_called_by(candidate.module, name), rebuild, candidate.sites)


def _called_by(module: nn.Module, name: str) -> nn.Module:
    module.forward = getattr(module, name)
    return module


def moved_home(findings: Iterable[Finding], candidate: Candidate, path: str) -> list[Finding]:
    """Findings inside libraries become one note a rule, on the user's own line that builds the network."""
    own: list[Finding] = []
    foreign: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.site is not None and _is_foreign(finding.site.file, path):
            foreign.setdefault(finding.rule, []).append(finding)
        else:
            own.append(finding)
    return own + [_note(group, candidate) for group in foreign.values()]


def _note(group: list[Finding], candidate: Candidate) -> Finding:
    first = group[0]
    more = f" (and {len(group) - 1} more like it)" if len(group) > 1 else ""
    paths = tuple(dict.fromkeys(path for finding in group for path in finding.paths))
    return replace(
        first,
        message=f"inside a library: {first.message}{more}",
        site=candidate.site,
        level="info",
        paths=paths,
        fix=None,
    )


def _is_foreign(file: str, path: str) -> bool:
    """Whether a file belongs to an installed package that the examined file is not part of."""
    package, own = _package(file), _package(path)
    return package is not None and package != own


def _package(file: str) -> tuple[str, ...] | None:
    parts = Path(file).absolute().parts
    for index, part in enumerate(parts):
        if part in ("site-packages", "dist-packages"):
            return parts[: index + 2]
    return None

"""Tests a rule pack by its own examples: every ``@bad`` is found, every ``@good`` is clean under all rules, and every
``@fix`` mends what it should and nothing else.

A pack's tests are a few lines::

    @pytest.mark.parametrize("case", nnlint.testing.cases("my_pack"), ids=str)
    def test_example(case):
        case.check()

    @pytest.mark.parametrize("case", nnlint.testing.fix_cases("my_pack"), ids=str)
    def test_fix(case):
        case.check()
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from nnlint.check import INTERNAL_ERROR, check_graph
from nnlint.errors import NnlintError, RulePackError
from nnlint.finding import Finding
from nnlint.fix.cases import FixCase
from nnlint.registry import ExampleText, RuleInfo, list_rules, load_rules

if TYPE_CHECKING:
    from torch import nn

    from nnlint.graph import Graph
    from nnlint.report.model import FileReport
    from nnlint.rule import Example, Rule


@dataclass(frozen=True, slots=True)
class Case:
    """One example of one rule, with every rule of its pack."""

    rule: RuleInfo
    example: ExampleText

    def __str__(self) -> str:
        return f"{self.rule.name}:{self.example.name}"

    def findings(self) -> list[Finding]:
        """What the rules of the pack find in the example.

        Raises:
            NnlintError: if the example cannot be built or traced.
        """
        if self.rule.on == "graph":
            rules = _rules(self.rule.pack, _local(self.rule))
            rule = next(rule for rule in rules if rule.name == self.rule.name)
            example = next(example for example in rule.examples if example.name == self.example.name)
            return check_graph(graph_of(example), rules)
        report = _examined(self)
        if report.errors:
            raise NnlintError(report.errors[0], where=str(self))
        return list(report.findings)

    def check(self) -> None:
        """Runs the example.

        Raises:
            AssertionError: if the rule misses its fault, or if any default rule of the pack finds one in a good form.
        """
        __tracebackhide__ = True
        findings = self.findings()
        if self.example.bad:
            seen = ", ".join(sorted({finding.rule for finding in findings})) or "nothing"
            assert any(finding.rule == self.rule.name for finding in findings), f"{self}: not found (found: {seen})"
        else:
            wrong = [f"{finding.rule}: {finding.message}" for finding in findings if finding.rule in self._forbidden()]
            assert not wrong, f"{self} should be clean:\n  " + "\n  ".join(wrong)

    def _forbidden(self) -> set[str]:
        """The rules that must find nothing in a good example: all but the opt-in ones.

        Of a rule about building and running, a good example may well stop at another stage (`network-not-traced`).
        """
        pack = (rule for rule in list_rules(_local(self.rule)).rules if rule.pack == self.rule.pack)
        others = (rule for rule in pack if rule.default and not self.rule.on == rule.on == "run")
        return {rule.name for rule in others} | {self.rule.name, INTERNAL_ERROR}


def cases(pack: str = "nnlint") -> list[Case]:
    """Every example of every rule of a pack.

    Args:
        pack: the name of its entry point in the group ``nnlint.rules``, or the path of local rule files.

    Raises:
        RulePackError: if a pack cannot be read, or there is none of that name.
    """
    return [Case(rule, example) for rule in _pack(pack) for example in rule.examples]


def fix_cases(pack: str = "nnlint") -> list[FixCase]:
    """Every rule of a pack that has a fix: ``case.check()`` runs it on the rule's bad examples, and verifies it.

    Args:
        pack: as for `cases`.

    Raises:
        RulePackError: as `cases`.
    """
    return [FixCase(rule) for rule in _pack(pack) if rule.fix]


def _pack(pack: str) -> list[RuleInfo]:
    """The rules of a pack."""
    listing = list_rules()
    if Path(pack).exists() and all(rule.pack != pack for rule in listing.rules):  # `nnlint` is a folder here, too
        listing = list_rules((pack,))
    if listing.errors:
        raise listing.errors[0]
    found = [rule for rule in listing.rules if rule.pack == pack]
    if not found:
        packs = ", ".join(sorted({rule.pack for rule in listing.rules}))
        raise RulePackError(f"no rule pack is called {pack!r}", help=f"installed: {packs or 'none'}")
    return found


def form_errors(rule: RuleInfo) -> list[str]:
    """What is wrong with the form of a rule file, one sentence each.

    The documentation starts with one sentence (a row of the table), says what to do and when the rule is quiet; there
    is at least one bad and one good example, and their names say what they show.
    """
    errors = []
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", rule.name):
        errors.append(f"the name {rule.name!r} is not lower-case words with hyphens")
    if not rule.summary.endswith(".") or len(rule.summary) > 100:
        errors.append("the first line of the docstring is not one sentence of at most 100 characters")
    lines = rule.doc.splitlines()
    if len(lines) > 1 and lines[1].strip():
        errors.append("the line after the first sentence is not empty")
    errors += [f"the docstring does not say {part!r}" for part in ("What to do:", "Quiet when") if part not in rule.doc]
    for bad in (True, False):
        if not any(example.bad is bad for example in rule.examples):
            errors.append(f"there is no {'bad' if bad else 'good'} example")
    names = [example.name for example in rule.examples]
    errors += [f"two examples are called {name!r}" for name in sorted(set(names)) if names.count(name) > 1]
    return errors


def graph_of(example: Example) -> Graph:
    """The graph of a graph rule's example: its network, built and traced in evaluation mode with its input and loss.

    Raises:
        NnlintError: if the input cannot be understood, or the forward pass raises.
    """
    from nnlint.examine.modes import evaluating
    from nnlint.examine.rebatch import rebatched
    from nnlint.inputs.template import materialise, to_template
    from nnlint.script.inputs import parse_inputs
    from nnlint.trace.build import build_graph
    from nnlint.trace.record import record

    network: nn.Module = example.function()
    specs = parse_inputs(example.input or "", f"the input of {example.name}")
    tensors = materialise([to_template(spec) for spec in specs], {}, "cpu")
    with evaluating(network):
        recorded = record(network, tuple(tensors))
    losses = [example.loss] if example.loss else []
    graph = build_graph(recorded, model=network, name=example.name, losses=losses)
    return rebatched(graph, network, (tuple(tensors), {}))


def _local(rule: RuleInfo) -> tuple[str, ...]:
    """The path of the pack of a rule, where it is no installed one."""
    return () if rule.module else (rule.pack,)


@cache
def _rules(pack: str, local: tuple[str, ...]) -> tuple[Rule, ...]:
    return load_rules([info.name for info in list_rules(local).rules if info.pack == pack], local=local)


def _examined(case: Case) -> FileReport:
    """The report on a script example; the scripts of a pack are examined together, once."""
    scripts = [other for other in cases(case.rule.pack) if other.rule.on != "graph"]
    return _reports(tuple(scripts))[str(case)]


@cache
def _reports(scripts: tuple[Case, ...]) -> dict[str, FileReport]:
    from nnlint.engine import run
    from nnlint.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        files = {str(case): _written(case, Path(folder)) for case in scripts}
        report = run(files.values(), Settings(select=("all",), local_rules=_local(scripts[0].rule)))
        by_path = {file.path: file for file in report.files}
        return {case: by_path[path] for case, path in files.items()}


def _written(case: Case, folder: Path) -> str:
    file = folder / f"{case.rule.name.replace('-', '_')}_{case.example.name}.py"
    comment = f"# nnlint: input={case.example.input}\n" if case.example.input else ""
    file.write_text(comment + case.example.source + "\n", encoding="utf-8")
    return str(file)

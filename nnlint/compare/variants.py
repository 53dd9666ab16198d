"""What stands against what: two files, a file and itself mended, each fix alone, a network and itself."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nnlint import engine
from nnlint.adapt.model import NetworkSource
from nnlint.config.apply import Configs
from nnlint.errors import NnlintError, UsageError
from nnlint.finding import Finding
from nnlint.fix import run as fixing
from nnlint.fix.left import left
from nnlint.registry import RuleInfo, list_rules
from nnlint.selection import choose, is_known, suggestion
from nnlint.settings import Settings
from nnlint.targets import expand

AS_WRITTEN = "as written"
ALL_FIXES = "all fixes"
#: letters of a word that may stand for a rule in whose name it is
SHORTEST = 3
#: a network, what its text has different, the rules whose fixes it has, and what was not fixed
_Variant = tuple[NetworkSource, str, tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Variants:
    """The networks of a comparison, the first of which the others are compared with.

    Attributes:
        sources: the networks.
        diffs: what the text of each has different from the first, as a unified diff; empty for the first.
        fixes: the rules whose fixes each has.
        unfixed: what is found in each still, of what was to be fixed, and why: by rule.
        noise: there is one network, twice.
        notes: what the user should know, in sentences.
    """

    sources: tuple[NetworkSource, ...]
    diffs: tuple[str, ...] = ()
    fixes: tuple[tuple[str, ...], ...] = ()
    unfixed: tuple[tuple[str, ...], ...] = ()
    noise: bool = False
    notes: tuple[str, ...] = ()


def of_targets(targets: Sequence[str]) -> Variants:
    """Two networks; the same one twice is the noise floor.

    Raises:
        UsageError: for any other number of targets, and for files that are not there.
    """
    if len(targets) != 2:
        given = "one target was" if len(targets) == 1 else f"{len(targets)} targets were"
        raise UsageError(
            f"a comparison needs two networks; {given} given",
            where="nnlint compare",
            help="give two targets, or one file with --fix (as written against fixed) or --each (every fix alone)",
        )
    first, second = targets
    for target in targets:
        _no_rule(target, list_rules().rules, [one for one in targets if one != target])
        expand([target])  # what is not there is better known before torch is loaded
    if first != second:
        return Variants((NetworkSource(first), NetworkSource(second)))
    note = (
        "This is one network twice, trained from different seeds (other first weights, other batches): the difference "
        "is what chance alone makes. From the same seeds the two would be bit-identical."
    )
    sources = (NetworkSource(first, label="the network"), NetworkSource(first, label="itself, other seeds"))
    return Variants(sources, noise=True, notes=(note,))


def fixed(
    target: str,
    rules: Collection[str] = (),
    *,
    each: bool = False,
    settings: Settings | None = None,
    configs: Configs = engine.ISOLATED,
) -> Variants:
    """A file as written, and with the fixes of its findings: all of them, or every rule's alone and then all.

    Nothing is written. Fixes that change what the network computes are among them: what they are worth is the question.

    Args:
        target: the file, or the network in it.
        rules: names of rules and categories; empty: every rule that has a fix.
        each: every rule's fixes alone, then all together.

    Raises:
        UsageError: for a rule that does not exist, and if no fix applies that a comparison could show.
        NnlintError: if the file cannot be examined.
    """
    settings = settings or Settings()
    _no_rule(target, list_rules(settings.local_rules).rules, tuple(rules))
    with engine.Session() as session:
        mend = _Mender(target, settings, configs, session, tuple(rules))
        everything = mend.with_rules(mend.measurable)
        applied = tuple(dict.fromkeys(finding.rule for finding in everything.report.fixed))
        if not everything.changes:
            raise mend.nothing(everything)
        label = ALL_FIXES if len(applied) > 1 else f"with {applied[0]}"
        variants = [_variant(target, everything, label, applied, mend.left(everything, mend.considered))]
        notes = mend.notes(everything)
        if each and len(applied) > 1:
            singles, lost = _alone(mend, sorted(applied))
            variants = [*singles, *variants]
            notes += lost
    written = (NetworkSource(target, label=AS_WRITTEN), "", (), ())
    sources, diffs, fixes, unfixed = zip(written, *variants, strict=True)
    return Variants(sources, diffs, fixes, unfixed, notes=tuple(notes))


def _alone(mend: _Mender, rules: Sequence[str]) -> tuple[list[_Variant], list[str]]:
    """The file with the fixes of each rule alone; and a note on each that changes nothing then."""
    variants, notes = [], []
    for rule in rules:
        result = mend.with_rules([rule])
        if result.changes:
            left = mend.left(result, [rule])
            variants.append(_variant(mend.target, result, f"with {rule}", (rule,), left))
            continue
        back = [f"it was taken back: {one.reason}" for one in result.report.taken_back]
        why = back[0] if back else "what it mends is there only after other fixes"
        notes.append(f"Alone, {rule} was not tried: {why}.")
    return variants, notes


def _variant(
    target: str, result: fixing.Result, label: str, rules: tuple[str, ...], unfixed: tuple[str, ...]
) -> _Variant:
    texts = {change.original.real: change.text for change in result.changes}
    return NetworkSource(target, texts, label), fixing.diff(result.changes), rules, unfixed


def _no_rule(target: str, rules: Sequence[RuleInfo], others: Sequence[str]) -> None:
    """Raise `UsageError` for the name of a rule where a target is meant."""
    if is_known(rules, target) and not Path(target).exists():
        file = others[0] if others and not is_known(rules, others[0]) else "FILE"
        raise UsageError(
            "this is a rule, and rules stand after the file they are asked of, with --fix",
            where=target,
            help=f"nnlint compare {file} --fix {target}",
        )


@dataclass(frozen=True, slots=True)
class _Mender:
    """The file, and what is wanted of it."""

    target: str
    settings: Settings
    configs: Configs
    session: engine.Session
    asked: tuple[str, ...]

    @property
    def _known(self) -> dict[str, RuleInfo]:
        return list_rules(self.settings.local_rules).by_name()

    @property
    def considered(self) -> tuple[str, ...]:
        """The rules asked for, whether they have a fix or not."""
        rules = list_rules(self.settings.local_rules).rules
        if files := [word for word in self.asked if word.endswith(".py") or ":" in word or os.sep in word]:
            message = f"one file is compared with itself mended; {files[0]} is a second one"
            raise UsageError(message, where="--fix", help="after the file, name rules or categories")
        for option, words in (("--ignore", self.settings.ignore), ("--fix", self.asked)):
            for word in words:
                if not is_known(rules, word):
                    advice = self._found_like(word) or suggestion(rules, word)
                    raise UsageError(f"there is no rule or category {word!r}", where=option, help=advice)
        return choose(rules, self.asked or ("all",), ignore=self.settings.ignore)

    def _found_like(self, word: str) -> str:
        """What to say about a part of the name of a rule that finds something in the file; empty for other words."""
        if len(word) < SHORTEST:
            return ""
        report = engine.run([self.target], replace(self.settings, ignore=()), None, self.configs, session=self.session)
        names = sorted(rule for rule in {finding.rule for finding in report.findings} if word in rule)
        return f"did you mean {names[0]!r}, which is found there? `nnlint rules` lists them" if names else ""

    @property
    def _wanted(self) -> tuple[str, ...]:
        return tuple(name for name in self.considered if self._fixable(name))

    def _fixable(self, rule: str) -> bool:
        return rule in self._known and self._known[rule].fix is not None

    @property
    def measurable(self) -> tuple[str, ...]:
        """The rules asked for whose fixes change a network, or the loss that is stated for it."""
        return tuple(name for name in self._wanted if self._known[name].on != "recipe")

    def with_rules(self, rules: Sequence[str]) -> fixing.Result:
        """The file with the fixes of these rules.

        Raises:
            NnlintError: if it cannot be examined.
        """
        # a rule that is asked for by name runs although it is not among those that run by default
        named = tuple(name for name in self.asked if name in rules or name not in self._known)
        settings = replace(self.settings, extend_select=(*self.settings.extend_select, *named))
        result = fixing.fix([self.target], settings, None, self.configs, unsafe=True, only=rules, session=self.session)
        if result.report.failed:
            raise NnlintError("; ".join(result.report.failed), where="nnlint compare")
        return result

    def notes(self, result: fixing.Result) -> list[str]:
        """What is left out."""
        script = self._script_only(result)
        return [_of_the_script(script)] if script else []

    def left(self, result: fixing.Result, rules: Collection[str]) -> tuple[str, ...]:
        """The findings of these rules that are still there, and why; the training script's do not matter here."""
        of_networks = [rule for rule in rules if rule in self._known and self._known[rule].on != "recipe"]
        return left(result.report, self._fixable, only=of_networks, unsafe=True)

    def _script_only(self, result: fixing.Result) -> list[str]:
        """The rules whose findings have fixes that change the training alone."""
        left = {finding.rule for finding in result.report.findings if finding.fix is not None}
        return sorted(rule for rule in left & set(self._wanted) if self._known[rule].on == "recipe")

    def nothing(self, result: fixing.Result) -> UsageError:
        """The error for a file that has nothing to compare with itself."""
        findings = result.report.findings
        if script := self._script_only(result):
            message, advice = _of_the_script(script), "nnlint --fix applies them; there is nothing for compare to show"
        elif not findings:
            message, advice = "nnlint has nothing to say about it, so there is nothing to fix", "compare two files"
        elif not {finding.rule for finding in findings} & set(self._wanted):
            message = (
                "nothing is found that the rules asked for could fix" if self.asked else "its findings have no fix"
            )
            advice = "what is found: " + "; ".join(_told(findings))
        else:
            among = " among the rules asked for" if self.asked else ""
            message = f"none of its findings{among} has a fix that applies"
            advice = ", ".join(self.left(result, self.considered))
        return UsageError(message.rstrip("."), where=self.target, help=advice)


def _of_the_script(rules: Sequence[str]) -> str:
    return (
        f"The {'fix' if len(rules) == 1 else 'fixes'} of {_listed(rules)} {'changes' if len(rules) == 1 else 'change'} "
        "the training script alone, which has no effect here: nnlint's trainer has a recipe of its own."
    )


def _told(findings: Sequence[Finding]) -> list[str]:
    """Which rules found something, and whether that has a fix."""
    with_fix = {finding.rule for finding in findings if finding.fix is not None}
    rules = dict.fromkeys(finding.rule for finding in findings)
    return [f"{rule} ({'has a fix' if rule in with_fix else 'no fix'})" for rule in rules]


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

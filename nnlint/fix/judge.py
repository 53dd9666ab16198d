"""Whether edits did what they should: two reports of one file compared, before and after."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from nnlint.check import severity
from nnlint.finding import Finding
from nnlint.fix.plan import Planned, key_of
from nnlint.report.model import FileReport, NetworkReport, Proof
from nnlint.script.source import split_lines


def objection(
    before: FileReport,
    after: FileReport,
    fixes: Sequence[Planned],
    *,
    unsafe: bool = False,
    elsewhere: bool = False,
    texts: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> str | None:
    """Why edits have to be taken back, None if nothing is wrong with them.

    Args:
        before, after: the reports of the file without and with them, both with proofs.
        fixes: what the edits are to mend.
        unsafe: whether unsafe fixes are applied too: then a new finding that has one may come, and go again.
        elsewhere: the edits are those of other files: where unsafe ones are among them, parameters may change here too.
        texts: the texts of the edited files before and after, by real path.
    """
    safe = all(fix.safe for fix in fixes) and not (elsewhere and unsafe)
    return (
        _broken(before, after)
        or next((why for network in before.networks if (why := _network(network, after, safe=safe))), None)
        or _still_there(before, after, fixes, texts, unsafe=unsafe)
        or _new(before, after, fixes, unsafe=unsafe)
    )


def vanished(before: FileReport, after: FileReport) -> list[Finding]:
    """The findings that are gone, whichever of a rule's findings they are."""
    left = Counter(finding.rule for finding in after.findings)
    gone = []
    for finding in reversed(before.findings):
        if left[finding.rule]:
            left[finding.rule] -= 1
        else:
            gone.append(finding)
    return gone[::-1]


def _broken(before: FileReport, after: FileReport) -> str | None:
    new = [error for error in after.errors if error not in before.errors]
    return f"the file cannot be examined any more ({new[0].splitlines()[0]})" if new else None


def _network(before: NetworkReport, after: FileReport, *, safe: bool) -> str | None:
    if before.status != "traced":
        return None
    name = f"`{before.name}`"
    network = next((other for other in after.networks if other.target == before.target), None)
    if network is None:
        return f"{name} is not found any more"
    if network.status != "traced":
        return f"{name} does not run any more ({network.reason or network.status})"
    if before.proof is None or network.proof is None:
        return None
    if network.inputs != before.inputs and (safe or not network.proof.guessed):
        return f"{name} is run on another input now ({', '.join(network.inputs)})"
    return _proofs(name, before.proof, network.proof, safe=safe)


def _proofs(name: str, before: Proof, after: Proof, *, safe: bool) -> str | None:
    if before.outputs != after.outputs:
        return f"the output of {name} gets another shape ({_shapes(before)} becomes {_shapes(after)})"
    return _numbers(name, before, after) if safe else None


def _shapes(proof: Proof) -> str:
    return ", ".join("x".join(map(str, shape)) or "scalar" for shape in proof.outputs) or "nothing"


def _numbers(name: str, before: Proof, after: Proof) -> str | None:
    """What a safe fix must not change: the names and shapes of the parameters, and every number."""
    if before.state != after.state:
        return f"the state_dict of {name} changes"
    if before.evaluation is None:
        return None
    if after.evaluation is None:
        return f"{name} does not run with numbers any more ({after.unproven})"
    if before.evaluation != after.evaluation:
        return f"{name} computes other numbers"
    if before.training is not None and before.training != after.training:
        return f"{name} computes other numbers or gradients in training"
    return None


def _still_there(
    before: FileReport,
    after: FileReport,
    fixes: Sequence[Planned],
    texts: Mapping[str, tuple[str, str]],
    *,
    unsafe: bool,
) -> str | None:
    """A rule of which not as many findings are gone as were to be mended.

    Others of it may have come: less severe ones, or such as the next pass mends (but not where the fix just was). In a
    network that does not run, the next thing that stops it comes to light.
    """
    known = {key_of(finding) for finding in before.findings}
    for rule in dict.fromkeys(fix.finding.rule for fix in fixes):
        own = [fix.finding for fix in fixes if fix.finding.rule == rule]
        found = [finding for finding in after.findings if finding.rule == rule]
        more = len(found) + len(own) - sum(finding.rule == rule for finding in before.findings)
        if more <= 0:
            continue
        mended = {_excerpt(finding, texts, 0) for finding in own}
        bound = max(severity(finding.level) for finding in own)
        others = [finding for finding in found if key_of(finding) not in known]
        welcome = [
            finding
            for finding in others
            if severity(finding.level) > bound
            or (
                (_passes(finding, bound, unsafe=unsafe) or _comes_to_light(finding, before, unsafe=unsafe))
                and _excerpt(finding, texts, 1) not in mended
            )
        ]
        if len(welcome) < more:
            elsewhere = f"then {rule} is found elsewhere ({others[0].message})" if others else ""
            return elsewhere or f"{rule} is found all the same"
    return None


def _excerpt(finding: Finding, texts: Mapping[str, tuple[str, str]], which: int) -> str:
    """The text a finding stands at."""
    site = finding.site
    if site is None or (pair := texts.get(os.path.realpath(site.file))) is None:
        return ""
    lines = split_lines(pair[which])[site.line - 1 : site.end_line]
    return "\n".join(lines)[site.column - 1 :][: None if len(lines) > 1 else site.end_column - site.column]


def _comes_to_light(finding: Finding, before: FileReport, *, unsafe: bool) -> bool:
    """Whether a finding that can be mended is about a network that did not run so far."""
    mendable = finding.fix is not None and (finding.fix.safe or unsafe)
    return mendable and finding.network in _not_run(before)


def _not_run(report: FileReport) -> set[str]:
    """The networks whose forward could not be recorded: what their rules would say was not known."""
    return {network.name for network in report.networks if network.status != "traced"}


def _passes(finding: Finding, bound: int, *, unsafe: bool) -> bool:
    """Whether a new finding is no worse than what is mended, and can be mended itself: the next pass does it."""
    mendable = finding.fix is not None and (finding.fix.safe or unsafe)
    return mendable and severity(finding.level) == bound > 0


def _new(before: FileReport, after: FileReport, fixes: Sequence[Planned], *, unsafe: bool) -> str | None:
    """A finding that was not there and is at least as severe as what is mended.

    One that is just as severe, and can be mended itself, is welcome: the next pass does it. Of a network that did not
    run before, every finding is new, and none is brought about by what made it run.
    """
    hidden = _not_run(before)
    mended = {fix.finding.rule: severity(fix.finding.level) for fix in fixes}
    bound = max((severity(fix.finding.level) for fix in fixes), default=0)
    known = Counter((finding.rule, finding.level) for finding in before.findings)
    for finding in after.findings:
        kind = (finding.rule, finding.level)
        known[kind] -= 1
        milder = finding.rule in mended and severity(finding.level) > mended[finding.rule]
        if finding.network in hidden or milder:
            continue
        if known[kind] < 0 and severity(finding.level) <= bound and not _passes(finding, bound, unsafe=unsafe):
            return f"it brings about {finding.rule} ({finding.message})"
    return None

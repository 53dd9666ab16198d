"""Whether edits did what they should: two reports of one file compared, before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from nnlint.check import severity
from nnlint.finding import Finding
from nnlint.fix.plan import Planned
from nnlint.report.model import FileReport, NetworkReport, Proof


def objection(before: FileReport, after: FileReport, fixes: Sequence[Planned], *, unsafe: bool = False) -> str | None:
    """Why edits have to be taken back, None if nothing is wrong with them.

    Args:
        before, after: the reports of the file without and with them, both with proofs.
        fixes: what the edits are to mend.
        unsafe: whether unsafe fixes are applied too: then a new finding that has one may come, and go again.
    """
    safe = all(fix.safe for fix in fixes)
    return (
        _broken(before, after)
        or next((why for network in before.networks if (why := _network(network, after, safe=safe))), None)
        or _still_there(before, after, fixes)
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
    if network.inputs != before.inputs:
        return f"{name} is run on another input now ({', '.join(network.inputs)})"
    if before.proof is None or network.proof is None:
        return None
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


def _still_there(before: FileReport, after: FileReport, fixes: Iterable[Planned]) -> str | None:
    mended = Counter(fix.finding.rule for fix in fixes)
    old = Counter(finding.rule for finding in before.findings)
    new = Counter(finding.rule for finding in after.findings)
    left = next((rule for rule, count in mended.items() if new[rule] > old[rule] - count), None)
    return None if left is None else f"{left} is found all the same"


def _new(before: FileReport, after: FileReport, fixes: Iterable[Planned], *, unsafe: bool) -> str | None:
    """A finding that was not there and is at least as severe as what is mended.

    One that is just as severe, and can be mended itself, is welcome: the next pass does it.
    """
    bound = max((severity(fix.finding.level) for fix in fixes), default=0)
    known = Counter((finding.rule, finding.level) for finding in before.findings)
    for finding in after.findings:
        kind = (finding.rule, finding.level)
        known[kind] -= 1
        new, level = known[kind] < 0, severity(finding.level)
        passing = level == bound > 0 and finding.fix is not None and (finding.fix.safe or unsafe)
        if new and level <= bound and not passing:
            return f"it brings about {finding.rule} ({finding.message})"
    return None

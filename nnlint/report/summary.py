"""The last lines of a report: what was checked, what was not and why, and how much was found."""

from __future__ import annotations

from collections import Counter

from nnlint.finding import LEVELS
from nnlint.report.model import NetworkReport, Report
from nnlint.report.style import Style

#: findings that say a network could not be checked: they are no check themselves
NOT_CHECKED = frozenset({"network-not-built", "network-not-traced", "import-failed"})
_WORDS = {"error": ("error", "errors"), "warning": ("warning", "warnings"), "info": ("note", "notes")}
#: so many networks are listed with their inputs unless asked for all
_LISTED = 12


def render(report: Report, style: Style | None = None, *, every: bool = False) -> str:
    """The closing lines: coverage, then the count or that all checks passed.

    Args:
        every: list every checked network, however many.
    """
    style = style or Style()
    return "\n".join([*coverage(report, style, every=every), verdict(report, style), *fixable(report, style)]) + "\n"


def coverage(report: Report, style: Style, *, every: bool = False) -> list[str]:
    """How many networks were checked and with which inputs, and each that was not, with the reason."""
    networks = report.networks
    if not networks:
        return [_without_networks(report)]
    traced = [network for network in networks if network.status == "traced"]
    missed = [network for network in networks if network.status != "traced"]
    with_networks = sum(1 for file in report.files if file.networks)
    head = f"{_count(len(networks), 'network')} in {_count(with_networks, 'file')}"
    lines = [head + (f", {len(missed)} not traced" if missed else "")]
    lines += _listed([style.dim(f"  {_how(network)}") for network in traced], every)
    return lines + _listed([f"  {network.target}: {_reason(network)}" for network in missed], every)


def _listed(lines: list[str], every: bool) -> list[str]:
    if every or len(lines) <= _LISTED:
        return lines
    return [*lines[:_LISTED], f"  … and {len(lines) - _LISTED} more (--verbose lists all)"]


def _without_networks(report: Report) -> str:
    broken = sum(1 for file in report.files if file.errors)
    unbuilt = sum(1 for file in report.files if not file.errors and not file.empty)
    fine = len(report.files) - broken - unbuilt
    parts = [f"{_count(fine, 'file')} without a network"] if fine else []
    parts += [f"{_count(unbuilt, 'file')} whose networks were not looked at, only the training"] if unbuilt else []
    parts += [f"{_count(broken, 'file')} not examined"] if broken else []
    return ", ".join(parts) or ("every file is excluded" if report.excluded else "no Python file")


def _how(network: NetworkReport) -> str:
    inputs = ", ".join(network.inputs) or "no input"
    source = f" ({network.input_source})" if network.input_source else ""
    guessed = f"; assumed: {'; '.join(network.guesses)}" if network.guesses else ""
    return f"{network.target} with {inputs}{source}{guessed}"


def _reason(network: NetworkReport) -> str:
    stage = "not built" if network.status == "failed" else "not traced"
    return f"{stage}: {network.reason}" if network.reason else stage


def verdict(report: Report, style: Style) -> str:
    """``Found N (E errors, W warnings, I notes).`` or ``All checks passed.``, or that nothing was checked."""
    counts = Counter(finding.level or "warning" for finding in report.findings)
    if report.fixed:
        found = len(report.fixed) + len(report.findings)
        said = f"Found {_count(found, 'finding')} ({len(report.fixed)} fixed, {len(report.findings)} remaining)."
        return style.bold(said) if report.findings else style.good(said)
    if report.findings:
        parts = [_count(counts[level], *_WORDS[level]) for level in LEVELS if counts[level]]
        return style.bold(f"Found {len(report.findings)} ({', '.join(parts)}).")
    if report.excluded or not checked(report):
        return style.bold("Nothing was checked.")
    unbuilt = any(not file.networks and not file.empty for file in report.files)
    if report.failed or unbuilt or any(network.status != "traced" for network in report.networks):
        return style.bold("No findings, but not everything was checked.")
    if report.hidden:
        return style.good(f"Nothing to report ({_count(report.hidden, 'finding')} below --min-level not shown).")
    return style.good("All checks passed.")


def fixable(report: Report, style: Style | None = None) -> list[str]:
    """A line that says how many findings can be mended, and how; none if none can."""
    style = style or Style()
    fixes = [finding.fix for finding in report.findings if finding.fix]
    safe = sum(fix.safe for fix in fixes)
    rest = len(fixes) - safe
    if safe:
        more = f" ({rest} more with --unsafe-fixes)" if rest else ""
        return [f"{style.good('[*]')} {safe} fixable with --fix{more}"]
    return [f"{rest} fixable with --fix --unsafe-fixes"] if rest else []


def checked(report: Report) -> bool:
    """Whether anything was checked: a network was traced, a fault was found, or there is no network to check."""
    if any(network.status == "traced" for network in report.networks):
        return True
    if any(finding.rule not in NOT_CHECKED for finding in report.findings):
        return True
    return report.excluded or (not report.networks and any(not file.errors for file in report.files))


def statistics(report: Report, style: Style | None = None) -> str:
    """How often each rule was found, most often first."""
    style = style or Style()
    counts = Counter((finding.rule, finding.level or "warning") for finding in report.findings)
    width = len(str(max(counts.values(), default=0)))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return "".join(f"{number:>{width}}  {style.level(level, rule)}\n" for (rule, level), number in ordered)


def timing(report: Report) -> str:
    """Seconds by stage and by rule, summed over the files, longest first."""
    total: Counter[str] = Counter()
    for file in report.files:
        total.update(dict(file.timing))
    return "".join(f"{seconds:8.3f} s  {stage}\n" for stage, seconds in total.most_common())


def _count(number: int, word: str, plural: str | None = None) -> str:
    return f"{number} {word if number == 1 else plural or word + 's'}"

"""The JSON format: everything the report holds, for programs. `nnlint.report.document` lists the fields."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from nnlint import __version__
from nnlint.finding import Finding
from nnlint.report.document import (
    SCHEMA_VERSION,
    FindingDocument,
    NetworkDocument,
    PlaceDocument,
    ReportDocument,
    SummaryDocument,
    TakenBackDocument,
)
from nnlint.report.fingerprints import fingerprinted
from nnlint.report.model import FileReport, NetworkReport, Report, TakenBack
from nnlint.site import Site


def render(report: Report) -> str:
    """The report as indented JSON."""
    plain: dict[str, Any] = dict(document(report))
    plain["networks"] = [{_renamed(key): value for key, value in row.items()} for row in plain["networks"]]
    return json.dumps(plain, indent=2, ensure_ascii=False, default=_plain) + "\n"


def document(report: Report) -> ReportDocument:
    """The report as plain data."""
    timing: Counter[str] = Counter()
    for file in report.files:
        timing.update(dict(file.timing))
    return {
        "schema_version": SCHEMA_VERSION,
        "version": __version__,
        "networks": [_network(network) for network in report.networks],
        "findings": _findings(report),
        "taken_back": [_taken_back(one) for one in report.taken_back],
        "errors": list(report.failed),
        "notes": [f"{file.path}: {note}" for file in report.files for note in file.notes],
        "timing": {stage: round(seconds, 6) for stage, seconds in timing.items()},
        "summary": _summary(report),
    }


def _renamed(key: str) -> str:
    return key.rstrip("_")


def _plain(value: object) -> object:
    """Facts hold plain values; sets, and whatever else a rule pack put there, as the nearest plain thing."""
    return sorted(value, key=str) if isinstance(value, set | frozenset) else str(value)


def _summary(report: Report) -> SummaryDocument:
    levels = Counter(finding.level for finding in report.findings)
    return {
        "files": len(report.files),
        "empty": sum(file.empty for file in report.files),
        "networks": len(report.networks),
        "traced": sum(network.status == "traced" for network in report.networks),
        "findings": len(report.findings),
        "errors": levels["error"],
        "warnings": levels["warning"],
        "notes": levels["info"],
        "fixed": len(report.fixed),
        "fixable": sum(finding.fix is not None and finding.fix.safe for finding in report.findings),
        "fixable_unsafe": sum(finding.fix is not None and not finding.fix.safe for finding in report.findings),
    }


def _network(network: NetworkReport) -> NetworkDocument:
    return {
        "target": network.target,
        "file": Path(network.file).as_posix(),
        "line": network.line,
        "name": network.name,
        "class_": network.class_name,
        "status": network.status,
        "found": network.found,
        "inputs": list(network.inputs),
        "input_source": network.input_source,
        "how": network.how,
        "ops": network.ops,
        "params": network.params,
        "macs": network.macs,
        "uncounted": network.uncounted,
        "activation_bytes": network.activation_bytes,
        "guesses": list(network.guesses),
        "reason": network.reason,
    }


def _findings(report: Report) -> list[FindingDocument]:
    return [_finding(finding, file, mark) for finding, file, mark in fingerprinted(report)]


def _finding(finding: Finding, file: FileReport, mark: str) -> FindingDocument:
    place = _place(finding.site, file.path)
    fix = finding.fix
    return {
        "rule": finding.rule,
        "category": finding.category,
        "level": finding.level or "warning",
        "message": finding.message,
        **place,
        "network": finding.network,
        "paths": list(finding.paths),
        "ops": list(finding.ops),
        "shape": None if finding.shape is None else list(finding.shape),
        "related": [{"label": other.label, **_place(other.site, file.path)} for other in finding.related],
        "facts": dict(finding.facts),
        "fix": None
        if fix is None
        else {"safe": fix.safe, "edits": [{"text": edit.text, **_place(edit.site, file.path)} for edit in fix.edits]},
        "fingerprint": mark,
    }


def _taken_back(one: TakenBack) -> TakenBackDocument:
    finding = one.finding
    place = _place(finding.site, finding.site.file if finding.site else "")
    return {"rule": finding.rule, "network": finding.network, "reason": one.reason, **place}


def _place(site: Site | None, file: str) -> PlaceDocument:
    if site is None:
        return {"file": Path(file).as_posix(), "line": None, "column": None, "end_line": None, "end_column": None}
    return {
        "file": Path(site.file).as_posix(),
        "line": site.line,
        "column": site.column,
        "end_line": site.end_line,
        "end_column": site.end_column,
    }

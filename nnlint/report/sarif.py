"""The SARIF format (OASIS, version 2.1.0): what code scanning services read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnlint import __version__
from nnlint.finding import Finding
from nnlint.registry import RuleInfo, list_rules
from nnlint.report.fingerprints import fingerprinted, relative
from nnlint.report.model import FileReport, Report
from nnlint.site import Site

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_SEVERITY = {"error": "error", "warning": "warning", "info": "recommendation"}
#: an error has to be true; an opinion may be debatable
_PRECISION = {"error": "very-high", "warning": "high", "info": "medium"}


def render(report: Report) -> str:
    """The report as one SARIF log with one run."""
    return json.dumps(document(report), indent=2, ensure_ascii=False, default=str) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The report as plain data."""
    root = _root()
    rules = _rules(report)
    index = {name: number for number, name in enumerate(rules)}
    results = [_result(finding, file, root, index, mark) for finding, file, mark in fingerprinted(report)]
    results += [
        _result(finding, file, root, index) | {"suppressions": [_suppression(reason)]}
        for file in report.files
        for finding, reason in file.ignored
    ]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "nnlint",
                        "version": __version__,
                        "rules": [_rule(name, info) for name, info in rules.items()],
                    }
                },
                "automationDetails": {"id": "nnlint/"},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {"SRCROOT": {"uri": f"{root.as_uri()}/"}},
                "invocations": [
                    {
                        "executionSuccessful": not report.failed,
                        "toolExecutionNotifications": [
                            {"level": "error", "message": {"text": error}} for error in report.failed
                        ],
                    }
                ],
                "results": results,
            }
        ],
    }


def _root() -> Path:
    """The root of the repository that the current folder lies in, else the current folder."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)


def _rules(report: Report) -> dict[str, RuleInfo | None]:
    """The rules that found something, by name; one of no installed pack has no page."""
    names = {f.rule for f in report.findings} | {f.rule for file in report.files for f, _ in file.ignored}
    known = list_rules().by_name()
    return {name: known.get(name) for name in sorted(names)}


def _rule(name: str, info: RuleInfo | None) -> dict[str, Any]:
    if info is None:
        return {"id": name, "shortDescription": {"text": name}}
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "shortDescription": {"text": info.summary},
        "fullDescription": {
            "text": info.doc.partition("\n\n")[2].partition("\n\n")[0].replace("\n", " ") or info.summary
        },
        "help": {"text": info.doc, "markdown": info.doc},
        "defaultConfiguration": {"level": _LEVELS[info.level], "enabled": info.default},
        "properties": {
            "tags": [info.category],
            "precision": _PRECISION[info.level],
            "problem.severity": _SEVERITY[info.level],
        },
    }


def _result(
    finding: Finding, file: FileReport, root: Path, index: Mapping[str, int], mark: str | None = None
) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _LEVELS[finding.level or "warning"],
        "message": {"text": finding.message},
        "locations": [_location(finding.site, file.path, root, finding)],
        "relatedLocations": [
            {"id": number, "message": {"text": other.label}, **_location(other.site, file.path, root)}
            for number, other in enumerate(finding.related)
        ],
        "properties": {"network": finding.network, "facts": dict(finding.facts)},
    }
    if mark is not None:
        result["partialFingerprints"] = {"primaryLocationLineHash": f"{mark}:1"}
    if finding.fix is not None:
        result["fixes"] = [_fix(finding, root)]
    return result


def _location(site: Site | None, path: str, root: Path, finding: Finding | None = None) -> dict[str, Any]:
    # a location without a region is shown nowhere
    site = site or Site(path, 1, 1, 1, 1)
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": _artifact(site, root), "region": _region(site)}
    }
    if finding is not None and finding.paths:
        location["logicalLocations"] = [
            {"fullyQualifiedName": f"{finding.network}.{where}".lstrip("."), "kind": "module"}
            for where in finding.paths
        ]
    return location


def _artifact(site: Site, root: Path) -> dict[str, Any]:
    path = relative(str(Path(site.file).absolute()), root)
    if Path(path).is_absolute():
        return {"uri": Path(path).as_uri()}
    return {"uri": path.replace(" ", "%20"), "uriBaseId": "SRCROOT"}


def _region(site: Site) -> dict[str, int]:
    return {
        "startLine": site.line,
        "startColumn": site.column,
        "endLine": site.end_line,
        "endColumn": site.end_column,
    }


def _fix(finding: Finding, root: Path) -> dict[str, Any]:
    assert finding.fix is not None
    files = dict.fromkeys(edit.site.file for edit in finding.fix.edits)
    return {
        "description": {"text": f"mend {finding.rule}" + ("" if finding.fix.safe else " (changes what is computed)")},
        "artifactChanges": [
            {
                "artifactLocation": _artifact(Site(file, 1, 1, 1, 1), root),
                "replacements": [
                    {"deletedRegion": _region(edit.site), "insertedContent": {"text": edit.text}}
                    for edit in finding.fix.edits
                    if edit.site.file == file
                ],
            }
            for file in files
        ],
    }


def _suppression(reason: str) -> dict[str, Any]:
    external = reason in ("per-file-ignores", "per-module-ignores")
    return {"kind": "external" if external else "inSource", **({"justification": reason} if reason else {})}

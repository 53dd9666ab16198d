"""Fingerprints: what a finding keeps when lines move, for machines that compare one run with the next."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from nnlint.finding import Finding
from nnlint.report.model import FileReport, Report


def fingerprinted(report: Report) -> Iterator[tuple[Finding, FileReport, str]]:
    """Every finding with its file and its fingerprint, unique in the report."""
    seen: Counter[tuple[str, ...]] = Counter()
    for file in report.files:
        for finding in file.findings:
            identity = _identity(finding, file)
            yield finding, file, fingerprint(identity, seen[identity])
            seen[identity] += 1


def _identity(finding: Finding, file: FileReport) -> tuple[str, ...]:
    path = relative(finding.site.file if finding.site else file.path)
    return (finding.rule, path, finding.network, finding.paths[0] if finding.paths else "")


def fingerprint(identity: tuple[str, ...], occurrence: int) -> str:
    """What stays the same when lines move: a hash of rule, file, network and module path, and the how-manyth it is."""
    return hashlib.sha256("\0".join((*identity, str(occurrence))).encode()).hexdigest()[:16]


def relative(path: str, folder: Path | None = None) -> str:
    """A path with forward slashes, relative to a folder (the current one) if it lies in it."""
    here, folder = Path(path), folder or Path.cwd()
    if not here.is_absolute() and folder != Path.cwd():
        here = Path.cwd() / here
    return (here.relative_to(folder) if here.is_absolute() and here.is_relative_to(folder) else here).as_posix()

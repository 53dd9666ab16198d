"""The types of the JSON report: what `nnlint.report.json` writes and `nnlint.report.schema` describes.

Stable within one ``schema_version``: fields are added, never removed or changed.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from nnlint.finding import Level

SCHEMA_VERSION = 1


class PlaceDocument(TypedDict):
    """A span: lines and columns from 1, ``end_column`` after the span; null where the source is not known."""

    file: str
    line: int | None
    column: int | None
    end_line: int | None
    end_column: int | None


class RelatedDocument(PlaceDocument):
    """Another expression that has part in a finding."""

    label: str


class EditDocument(PlaceDocument):
    """Replace a span by a text."""

    text: str


class FixDocument(TypedDict):
    """Edits that mend a finding, applied together or not at all."""

    safe: bool
    edits: list[EditDocument]


class FindingDocument(PlaceDocument):
    """One finding. ``paths`` are the modules the expression made, ``ops`` the names of the operations concerned."""

    rule: str
    category: str
    level: Level
    message: str
    network: str
    paths: list[str]
    ops: list[str]
    shape: list[int] | None
    related: list[RelatedDocument]
    facts: dict[str, Any]
    fix: FixDocument | None
    fingerprint: str


class NetworkDocument(TypedDict):
    """What became of one network: sizes are 0 where it was not traced, ``reason`` then says why."""

    target: str
    file: str
    line: int | None
    name: str
    # "class" is a keyword of Python; the renderer and the schema rename this field
    class_: str
    status: Literal["traced", "built", "failed"]
    found: str
    inputs: list[str]
    input_source: str
    how: str
    ops: int
    params: int
    macs: int
    uncounted: int
    activation_bytes: int
    guesses: list[str]
    reason: str | None


class SummaryDocument(TypedDict):
    """Counts. ``empty`` files hold no network."""

    files: int
    empty: int
    networks: int
    traced: int
    findings: int
    errors: int
    warnings: int
    notes: int
    fixed: int
    fixable: int
    fixable_unsafe: int


class TakenBackDocument(PlaceDocument):
    """A fix that was tried and taken back: the finding it was for, and why."""

    rule: str
    network: str
    reason: str


class ReportDocument(TypedDict):
    """The whole report. ``errors`` are failures of nnlint's own work: any of them makes the exit code 2."""

    schema_version: int
    version: str
    networks: list[NetworkDocument]
    findings: list[FindingDocument]
    taken_back: list[TakenBackDocument]
    errors: list[str]
    notes: list[str]
    timing: dict[str, float]
    summary: SummaryDocument

"""The GitHub format: workflow commands, which GitHub shows as annotations on the lines of a pull request.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions. A step shows ten errors and ten
warnings, so the most severe come first; the whole report goes to the step's summary.
"""

from __future__ import annotations

import os
from pathlib import Path

from nnlint.check import severity
from nnlint.finding import Finding
from nnlint.report.fingerprints import relative
from nnlint.report.model import FileReport, Report

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def render(report: Report) -> str:
    """One command a finding, and one for everything that could not be checked."""
    found = [(finding, file) for file in report.files for finding in file.findings]
    found.sort(key=lambda pair: severity(pair[0].level))
    lines = [f"::error title=nnlint::{_data(error)}" for error in report.failed]
    lines += [_command(finding, file) for finding, file in found]
    return "".join(f"{line}\n" for line in lines)


def write_summary(report: Report) -> None:
    """Append the report to the summary of the step, if this is one (``GITHUB_STEP_SUMMARY``)."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    from nnlint.report import concise, summary

    text = f"### nnlint\n\n```text\n{concise.render(report)}{summary.render(report)}```\n"
    with Path(file).open("a", encoding="utf-8") as stream:
        stream.write(text)


def _command(finding: Finding, file: FileReport) -> str:
    site = finding.site
    properties = {"title": f"nnlint ({finding.rule})", "file": relative(site.file if site else file.path)}
    if site is not None:
        properties |= {"line": str(site.line), "endLine": str(site.end_line)}
        if site.line == site.end_line:  # GitHub takes columns for one line only
            properties |= {"col": str(site.column), "endColumn": str(site.end_column)}
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{_COMMANDS[finding.level or 'warning']} {listed}::{_data(finding.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

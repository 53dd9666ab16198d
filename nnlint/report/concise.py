"""The concise format: one line a finding, for editors and long lists."""

from __future__ import annotations

from nnlint.report.model import Report
from nnlint.report.style import Style


def render(report: Report, style: Style | None = None) -> str:
    """``path:line:col: level rule-name [*] message``, one line a finding."""
    style = style or Style()
    lines = []
    for file in report.files:
        for finding in file.findings:
            level = finding.level or "warning"
            place = str(finding.site) if finding.site else f"{file.path}:1:1"
            fixable = f" {style.good('[*]')}" if finding.fix and finding.fix.safe else ""
            message = " ".join(finding.message.split())
            lines.append(f"{style.bold(place)}: {style.level(level, f'{level} {finding.rule}')}{fixable} {message}")
    return "\n".join(lines) + ("\n" if lines else "")

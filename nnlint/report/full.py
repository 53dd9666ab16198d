"""The full format: every finding with its source, for people."""

from __future__ import annotations

from nnlint.finding import Finding
from nnlint.report.model import FileReport, NetworkReport, Report
from nnlint.report.source import excerpt
from nnlint.report.style import Style

#: so many places of one expression are listed, the rest are counted
_PLACES = 4


def render(report: Report, style: Style | None = None) -> str:
    """The findings of a report, one block each."""
    style = style or Style()
    blocks = [_block(finding, file, style) for file in report.files for finding in file.findings]
    return "\n\n".join(blocks) + ("\n" if blocks else "")


def _block(finding: Finding, file: FileReport, style: Style) -> str:
    level = finding.level or "warning"
    fixable = f" {style.good('[*]')}" if finding.fix and finding.fix.safe else ""
    lines = [f"{style.level(level, f'{level} {finding.rule}')}{fixable} {style.bold(finding.message)}"]
    place = ", ".join(part for part in (_where(finding), shape_text(finding, file)) if part)
    spot = str(finding.site) if finding.site else file.path
    width = len(str(finding.site.end_line)) if finding.site else 1
    lines.append(f"{' ' * width}{style.accent('-->')} {spot}{f'   {place}' if place else ''}")
    shown = excerpt(finding.site, style) if finding.site else []
    lines += shown
    if shown:
        lines.append(f"{' ' * width} {style.dim('|')}")
    note = f"{' ' * width} {style.accent('=')} "
    if len(finding.paths) > 1:
        lines.append(f"{note}also at: {_places(finding.paths[1:])}")
    lines += [f"{note}also: {other.site} `{other.label}`" for other in finding.related]
    lines.append(f"{note}help: nnlint rule {finding.rule}")
    return "\n".join(lines)


def _where(finding: Finding) -> str:
    """The network and the module in it: ``Net.block.norm2``."""
    return ".".join(part for part in (finding.network, finding.paths[0] if finding.paths else "") if part)


def _places(paths: tuple[str, ...]) -> str:
    more = f" and {len(paths) - _PLACES} more" if len(paths) > _PLACES else ""
    return ", ".join(f"`{path}`" for path in paths[:_PLACES]) + more


def shape_text(finding: Finding, file: FileReport) -> str:
    """The shape at a finding with ``N`` for the batch: ``[N, 64, 32, 32]``; "" if there is none.

    The first axis is the batch where it is as long as that of the network's first example input.
    """
    if finding.shape is None:
        return ""
    batch = next((batch_of(network) for network in file.networks if network.name == finding.network), None)
    sizes = [str(size) for size in finding.shape]
    if sizes and batch is not None and finding.shape[0] == batch:
        sizes[0] = "N"
    return f"[{', '.join(sizes)}]"


def batch_of(network: NetworkReport) -> int | None:
    """The first axis of the network's first input, None if it has none."""
    first = network.inputs[0].split()[-1].split("x")[0] if network.inputs and network.inputs[0].split() else ""
    return int(first) if first.isdigit() else None

"""Where the output goes: the report to stdout or a file, everything else to stderr; and the exit code."""

from __future__ import annotations

import contextlib
import importlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from nnlint.check import INTERNAL_ERROR, severity
from nnlint.errors import UsageError
from nnlint.report import concise, full, summary
from nnlint.report.model import FileReport, Report
from nnlint.report.style import Style, wants_color

#: formats for programs, each a module of `nnlint.report`: no colours, no summary
MACHINE = ("json", "github", "sarif")
#: seconds before a terminal is shown how far the run is
_PATIENCE = 2.0


def rendered(report: Report, chosen: str, style: Style, *, quiet: bool, verbose: bool, statistics: bool) -> str:
    """The report in a format, with the summary where people read it."""
    if chosen in MACHINE:
        return str(importlib.import_module(f"nnlint.report.{chosen}").render(report))
    if statistics:
        findings = summary.statistics(report, style)
    else:
        findings = (full if chosen == "full" else concise).render(report, style)
    if quiet:
        return findings
    gap = "\n" if findings and chosen == "full" else ""
    return findings + gap + summary.render(report, style, every=verbose)


def messages(report: Report, *, quiet: bool, verbose: bool) -> None:
    """Errors, notes and (if asked for) what the files printed, to stderr."""
    for error in report.failed:
        sys.stderr.write(f"nnlint: error: {error}\n")
    if not quiet:
        for note in report.notes:
            sys.stderr.write(f"nnlint: note: {note}\n")
        for one in report.taken_back:
            where = one.finding.site or "nnlint"
            sys.stderr.write(f"{where}: note: the fix of {one.finding.rule} was taken back: {one.reason}\n")
        for file in report.files:
            for note in file.notes:
                sys.stderr.write(f"{file.path}: note: {note}\n")
    if verbose:
        for file in report.files:
            for line in file.output.splitlines():
                sys.stderr.write(f"{file.path}: output: {line}\n")


def timing(report: Report, seconds: float) -> str:
    """Seconds by stage and rule, and on the clock: torch is imported while the stages before it run."""
    return f"{summary.timing(report)}{seconds:8.3f} s  in all, the import of torch included\n"


def exit_code(report: Report, shown: Report, *, exit_zero: bool) -> int:
    """0 nothing at the fail level, 1 findings at it, 2 a failure of nnlint's own or nothing checked.

    Args:
        shown: the report without what the user did not want to see: an exit code of 1 with nothing shown is a riddle.
    """
    crashed = any(finding.rule == INTERNAL_ERROR for finding in report.findings)
    if report.failed or crashed or not summary.checked(report):
        return 2
    return int(not exit_zero and any(_fails(file) for file in shown.files))


def _fails(file: FileReport) -> bool:
    threshold = file.fail_on or "warning"
    return threshold != "never" and any(severity(found.level) <= severity(threshold) for found in file.findings)


def style(stream: TextIO, color: str) -> Style:
    """The style for a stream."""
    return Style(wants_color(stream, color))


@contextlib.contextmanager
def destination(file: str | None) -> Iterator[TextIO]:
    """The stream to write the report to.

    Raises:
        UsageError: if the file cannot be written.
    """
    if file is None:
        # a name or a comment in the source may hold what the terminal's encoding cannot show
        with contextlib.suppress(AttributeError):
            sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        yield sys.stdout
        return
    with contextlib.ExitStack() as stack:
        try:
            stream = stack.enter_context(Path(file).open("w", encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"cannot write: {error.strerror}", where=f"--output-file {file}") from error
        yield stream


def progress(quiet: bool) -> Callable[[int, int], None] | None:
    """A callback ``(done, total)`` that keeps a line on a terminal's stderr; None where there is nobody to see it."""
    if quiet or not sys.stderr.isatty():
        return None
    start = time.monotonic()

    def show(done: int, total: int) -> None:
        if time.monotonic() - start > _PATIENCE:
            sys.stderr.write("\r\x1b[K" + (f"checked {done} of {total} files" if done < total else ""))
            sys.stderr.flush()

    return show

"""What ``nnlint check`` does, apart from its options: `nnlint.__main__` comes here without typer if there are none.

Typer brings pydantic along; together they take longer to import than it takes to read a file without networks.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from nnlint.config.apply import Configs
from nnlint.errors import UsageError
from nnlint.finding import Level
from nnlint.settings import Settings

if TYPE_CHECKING:
    from nnlint.report.model import Report

Format = Literal["full", "concise", "json", "github", "sarif"]
#: above so many findings a terminal gets one line each unless told otherwise
MANY = 30


@dataclass(frozen=True, slots=True)
class Options:
    """The options of ``nnlint check`` that are about its output and its exit code."""

    exit_zero: bool = False
    min_level: Level = "info"
    output_format: Format | None = None
    output_file: str | None = None
    statistics: bool = False
    timing: bool = False
    color: str = "auto"
    quiet: bool = False
    verbose: bool = False
    fix: Literal["apply", "show"] | None = None
    unsafe_fixes: bool = False
    fix_only: bool = False


def check_paths(
    paths: list[str],
    settings: Settings | None = None,
    options: Options | None = None,
    configs: Configs | None = None,
) -> int:
    """Check files, print the report and return the exit code.

    Raises:
        UsageError: for a path or a rule that does not exist, or an output file that cannot be written.
    """
    from nnlint import engine
    from nnlint.cli import output

    options = options or Options()
    settings = settings or Settings()
    if settings.ignore and not engine.with_rules(settings)[0].rules:
        raise UsageError("no rule is left to run", where="--ignore", help="`nnlint rules` lists them")
    start = time.perf_counter()
    if options.fix is not None:
        from nnlint.cli import fixing

        result = fixing.fixed(paths, settings, options, configs or Configs())
        if options.fix == "show" or options.fix_only:
            return fixing.shown(result, options)
        report = result.report
    else:
        report = engine.run(paths, settings, output.progress(options.quiet), configs or Configs())
    shown = _at_least(report, options.min_level)
    output.messages(report, quiet=options.quiet, verbose=options.verbose)
    with output.destination(options.output_file) as stream:
        crowded = stream is sys.stdout and stream.isatty() and len(shown.findings) > MANY
        chosen = options.output_format or ("concise" if crowded else "full")
        style = output.style(stream, options.color)
        stream.write(
            output.rendered(
                shown, chosen, style, quiet=options.quiet, verbose=options.verbose, statistics=options.statistics
            )
        )
    if chosen == "github":
        from nnlint.report.github import write_summary

        write_summary(shown)
    if options.timing:
        sys.stderr.write(output.timing(report, time.perf_counter() - start))
    return output.exit_code(report, shown, exit_zero=options.exit_zero)


#: settings that nobody sets: how one part of nnlint asks another
_WITHIN = frozenset({"input_source", "rows", "texts", "proof", "numbers", "folder"})


def show(paths: list[str], settings: Settings, configs: Configs) -> None:
    """Print what applies to the first of the files.

    Raises:
        UsageError: for a path or a rule that does not exist, or a wrong configuration.
    """
    from dataclasses import fields

    from nnlint import engine
    from nnlint.targets import expand

    notes: list[str] = []
    targets = expand(paths, configs.excludes)
    first = targets[0].path if targets else paths[0]
    config = configs.of(first)
    applied, problems = engine.with_rules(configs.settings(first, settings, notes))
    print(f"{first}\nconfiguration: {config.file if config and config.file else 'none'}")
    for field in fields(applied):
        if field.name in _WITHIN:
            continue
        value = getattr(applied, field.name)
        print(f"{field.name.replace('_', '-')} = {list(value) if isinstance(value, tuple) else value!r}")
    for line in (*notes, *problems):
        sys.stderr.write(f"nnlint: note: {line}\n")


def _at_least(report: Report, level: Level) -> Report:
    from nnlint.check import severity

    def kept(level_found: Level | None) -> bool:
        return severity(level_found) <= severity(level)

    files = (
        replace(file, findings=tuple(found for found in file.findings if kept(found.level))) for file in report.files
    )
    shown = replace(report, files=tuple(files))
    return replace(shown, hidden=len(report.findings) - len(shown.findings))

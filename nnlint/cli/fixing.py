"""What ``nnlint check --fix`` and ``--diff`` do."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from nnlint.cli import output
from nnlint.fix import run

if TYPE_CHECKING:
    from nnlint.cli.checking import Options
    from nnlint.config.apply import Configs
    from nnlint.settings import Settings


def fixed(paths: list[str], settings: Settings, options: Options, configs: Configs) -> run.Result:
    """The files fixed as far as they can be; written unless a diff was asked for.

    Raises:
        UsageError: for a path or a rule that does not exist.
    """
    result = run.fix(
        paths,
        settings,
        output.progress(options.quiet),
        configs,
        unsafe=options.unsafe_fixes,
        least=options.min_level,
    )
    if options.fix != "apply":
        return result
    problems = run.write(result.changes)
    return replace(result, report=replace(result.report, errors=(*result.report.errors, *problems)))


def _left(result: run.Result, options: Options) -> tuple[str, ...]:
    """The findings that are still there, by rule, and why: after a diff no report tells."""
    from nnlint.fix.left import left
    from nnlint.registry import list_rules

    known = list_rules().by_name()
    return left(
        result.report,
        lambda name: name in known and known[name].fix is not None,
        least=options.min_level,
        unsafe=options.unsafe_fixes,
    )


def shown(result: run.Result, options: Options) -> int:
    """Print the diff, or how much was fixed; return the exit code: with a diff 1 if there is something to fix."""
    report = result.report
    output.messages(report, quiet=options.quiet, verbose=options.verbose)
    count = f"{len(report.fixed)} {'finding' if len(report.fixed) == 1 else 'findings'}"
    if options.fix == "show":
        with output.destination(options.output_file) as stream:
            stream.write(run.diff(result.changes))
        said = f"Would fix {count}." if report.fixed else "Nothing to fix."
    else:
        said = f"Fixed {count}." if report.fixed else "Nothing was fixed."
    if not options.quiet:
        if rest := _left(result, options):
            sys.stderr.write(f"Not fixed: {', '.join(rest)}\n")
        sys.stderr.write(f"{said}\n")
    if report.failed:
        return 2
    return int(options.fix == "show" and bool(result.changes) and not options.exit_zero)

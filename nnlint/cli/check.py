"""``nnlint check``: lint files."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from nnlint.cli.options import (
    BatchOption,
    Color,
    ColorOption,
    Format,
    InputFunctionOption,
    InputOption,
    LossOption,
    MinLevel,
    OutputOption,
    QuietOption,
    Threshold,
    TimeOption,
    VerboseOption,
    split,
)

if TYPE_CHECKING:
    from nnlint.report.model import Report

#: above so many findings a terminal gets one line each unless told otherwise
MANY = 30

Words = Annotated[list[str] | None, typer.Option(metavar="RULE", help="")]


def check(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATHS…", help="Files, folders, model.py:Name, package.module:name.")
    ],
    input: InputOption = None,
    input_fn: InputFunctionOption = None,
    batch_size: BatchOption = None,
    loss: LossOption = None,
    select: Annotated[
        list[str] | None, typer.Option("--select", metavar="RULES", help="Only these rules, categories, or all.")
    ] = None,
    extend_select: Annotated[
        list[str] | None, typer.Option("--extend-select", metavar="RULES", help="These rules too.")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option("--ignore", metavar="RULES", help="Not these rules.")] = None,
    fail_on: Annotated[
        Threshold, typer.Option("--fail-on", help="Exit 1 from this level upwards.")
    ] = Threshold.warning,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 although there are findings.")] = False,
    min_level: Annotated[MinLevel, typer.Option("--min-level", help="Report from this level upwards.")] = MinLevel.info,
    output_format: Annotated[
        Format | None, typer.Option("--output-format", help="Format of the report; full unless there is much to show.")
    ] = None,
    output_file: OutputOption = None,
    statistics: Annotated[bool, typer.Option("--statistics", help="How often each rule was found.")] = False,
    timing: Annotated[bool, typer.Option("--timing", help="Seconds by stage and by rule.")] = False,
    show_files: Annotated[
        bool, typer.Option("--show-files", help="List the files that would be read, and stop.")
    ] = False,
    no_exec: Annotated[
        bool, typer.Option("--no-exec", help="Run no code of the files: check only how they train.")
    ] = False,
    jobs: Annotated[int, typer.Option("-j", "--jobs", min=1, help="Worker processes.")] = 1,
    color: ColorOption = Color.auto,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    time_limit: TimeOption = 60.0,
) -> int:
    """Check the networks that files define, and how the files train them."""
    from nnlint import engine
    from nnlint.cli import output
    from nnlint.settings import Settings

    if show_files:
        print("\n".join(str(target) for target in engine.expand(paths)))
        return 0
    settings = Settings(
        inputs=tuple(input or ()),
        input_fn=input_fn,
        batch_size=batch_size,
        loss=loss,
        select=split(select),
        extend_select=split(extend_select),
        ignore=split(ignore),
        execute=not no_exec,
        jobs=jobs,
        time_limit=time_limit,
    )
    report = engine.run(paths, settings, output.progress(quiet))
    shown = _at_least(report, min_level)
    output.messages(report, quiet=quiet, verbose=verbose)
    stream_is_terminal = output_file is None and sys.stdout.isatty()
    chosen = output_format or (Format.concise if stream_is_terminal and len(shown.findings) > MANY else Format.full)
    with output.destination(output_file) as stream:
        style = output.style(stream, color)
        stream.write(output.rendered(shown, chosen, style, quiet=quiet, verbose=verbose, statistics=statistics))
    if timing:
        sys.stderr.write(output.timing(report))
    return output.exit_code(report, fail_on, exit_zero=exit_zero)


def _at_least(report: Report, level: MinLevel) -> Report:
    from nnlint.check import severity

    files = tuple(
        replace(
            file,
            findings=tuple(f for f in file.findings if severity(f.level) <= severity(level.value)),
        )
        for file in report.files
    )
    return replace(report, files=files)

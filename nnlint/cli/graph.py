"""``nnlint graph``: a network as a tree of its modules and operations."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from nnlint.cli.options import (
    BatchOption,
    Color,
    ColorOption,
    InputFunctionOption,
    InputOption,
    ListFormat,
    OutputOption,
    TimeOption,
)


def graph(
    targets: Annotated[
        list[str], typer.Argument(metavar="TARGETS…", help="Files, model.py:Name, package.module:name.")
    ],
    input: InputOption = None,
    input_fn: InputFunctionOption = None,
    batch_size: BatchOption = None,
    output_format: Annotated[ListFormat, typer.Option("--output-format", help="Format.")] = ListFormat.text,
    output_file: OutputOption = None,
    color: ColorOption = Color.auto,
    time_limit: TimeOption = 60.0,
) -> int:
    """Show a network: its modules and operations, output shapes, parameters and multiply-accumulates."""
    from nnlint import engine
    from nnlint.cli import output
    from nnlint.report import tree
    from nnlint.report.style import Style
    from nnlint.settings import Settings

    settings = Settings(
        inputs=tuple(input or ()),
        input_fn=input_fn,
        batch_size=batch_size,
        ignore=("all",),
        time_limit=time_limit,
        rows=True,
    )
    report = engine.run(targets, settings, output.progress(quiet=False))
    output.messages(report, quiet=False, verbose=False)
    with output.destination(output_file) as stream:
        if output_format is ListFormat.json:
            stream.write(tree.render_json(report))
        else:
            style: Style = output.style(stream, color.value)
            stream.write(tree.render(report, style, width=tree.terminal_width(stream)))
    missed = [network for network in report.networks if network.status != "traced"]
    for network in missed:
        sys.stderr.write(f"{network.target}: {network.reason or network.status}\n")
    traced = len(report.networks) - len(missed)
    if not report.networks and not report.failed:
        sys.stderr.write("nnlint: no network found\n")
    return 2 if report.failed or not traced else 0

"""``nnlint check``: lint files."""

from __future__ import annotations

from typing import Annotated

import typer

from nnlint.cli.checking import Options, check_paths, show
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
from nnlint.config.apply import Configs, parse_config_options
from nnlint.errors import UsageError
from nnlint.settings import Settings


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
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what can be mended without changing what the network computes.")
    ] = False,
    unsafe_fixes: Annotated[
        bool, typer.Option("--unsafe-fixes", help="With --fix or --diff: also mend what changes it.")
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show what --fix would change, and change nothing.")] = False,
    fix_only: Annotated[bool, typer.Option("--fix-only", help="Fix, and report nothing of what is left.")] = False,
    fail_on: Annotated[
        Threshold | None, typer.Option("--fail-on", help="Exit 1 from this level upwards; warning by default.")
    ] = None,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 although there are findings.")] = False,
    min_level: Annotated[MinLevel, typer.Option("--min-level", help="Report from this level upwards.")] = MinLevel.info,
    output_format: Annotated[
        Format | None, typer.Option("--output-format", help="Format of the report; full unless there is much to show.")
    ] = None,
    output_file: OutputOption = None,
    statistics: Annotated[bool, typer.Option("--statistics", help="How often each rule was found.")] = False,
    timing: Annotated[bool, typer.Option("--timing", help="Seconds by stage and by rule.")] = False,
    config: Annotated[
        list[str] | None,
        typer.Option("--config", metavar='FILE|"KEY = VALUE"', help="Use this configuration; set one of its keys."),
    ] = None,
    isolated: Annotated[bool, typer.Option("--isolated", help="Look for no configuration.")] = False,
    force_exclude: Annotated[
        bool, typer.Option("--force-exclude", help="Leave out excluded files even if they are given.")
    ] = False,
    show_settings: Annotated[
        bool, typer.Option("--show-settings", help="Show what applies to the first file, and stop.")
    ] = False,
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
    given, overrides = parse_config_options(config or [])
    if isolated and given:
        raise UsageError("--isolated and --config FILE contradict each other", where="nnlint check")
    configs = Configs(given, isolated, force_exclude, overrides)
    if show_files:
        from nnlint.targets import expand

        print("\n".join(str(target) for target in expand(paths, configs.excludes)))
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
        fail_on=fail_on.value if fail_on else None,
    )
    if show_settings:
        show(paths, settings, configs)
        return 0
    options = Options(
        exit_zero=exit_zero,
        min_level=min_level.value,
        output_format=output_format.value if output_format else None,
        output_file=output_file,
        statistics=statistics,
        timing=timing,
        color=color.value,
        quiet=quiet,
        verbose=verbose,
        fix="show" if diff else "apply" if fix or fix_only else None,
        unsafe_fixes=unsafe_fixes,
        fix_only=fix_only,
    )
    return check_paths(paths, settings, options, configs)

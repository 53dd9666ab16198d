"""The typer application: its commands, and what happens to a wrong use."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nnlint.cli import check, compare, doctor, graph, new, prepare, rule, rules, train

_EPILOG = "nnlint PATHS is short for nnlint check PATHS. Exit codes: 0 clean, 1 findings, 2 could not check."

app = typer.Typer(
    name="nnlint",
    help="A linter and static architecture checker for PyTorch networks.",
    epilog=_EPILOG,
    add_completion=False,
    no_args_is_help=True,
    # plain text: rich would cost a third of the time of --help
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("check")(check.check)
app.command("graph")(graph.graph)
app.command("new")(new.new)
app.command("rule")(rule.rule)
app.command("rules")(rules.rules)
app.command("train")(train.train)
app.command("compare")(compare.compare)
app.command("prepare")(prepare.prepare)
app.command("doctor")(doctor.doctor)

#: the base of the errors of a wrong use; where it lives depends on typer's version
_CLICK_ERROR: Any = typer.BadParameter.__mro__[2]


@app.callback()
def nnlint(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    """A linter and static architecture checker for PyTorch networks."""
    if version:
        from nnlint import __version__

        print(f"nnlint {__version__}")
        raise typer.Exit(0)


def run(arguments: list[str]) -> int:
    """Run the application and return the exit code.

    Raises:
        KeyboardInterrupt: if the user interrupts it.
        BrokenPipeError: if nobody reads the output any more.
    """
    try:
        code = app(arguments, prog_name="nnlint", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except SystemExit as error:
        # typer ends the process where a pipe is closed, with the exit code of findings
        if isinstance(error.__context__, BrokenPipeError):
            raise error.__context__ from None
        raise
    except _CLICK_ERROR as error:
        error.show()
        return 2
    return code if isinstance(code, int) else 0

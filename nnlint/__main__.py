"""The entry point: dispatches to a command, and turns every failure into a message and an exit code.

Exit codes: 0 nothing at the fail level, 1 findings at it, 2 a wrong use, a failure of nnlint itself, or nothing that
could be checked. Python's own exit code for an uncaught exception is 1, so nothing may escape from here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from nnlint.errors import NnlintError

COMMANDS = ("check", "compare", "doctor", "graph", "new", "prepare", "rule", "rules", "train")
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run nnlint with these arguments (without the program's name) and return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _fill_closed()
    try:
        return _dispatch(arguments)
    except NnlintError as error:
        print(f"nnlint: error: {error}", file=sys.stderr)
        _traceback_if_wanted(arguments)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # whoever reads the output has gone (`nnlint … | head`); keep the interpreter from flushing into the void
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except Exception as error:
        print(f"nnlint: internal error: {type(error).__name__}: {error}", file=sys.stderr)
        print("  help: NNLINT_TRACEBACK=1 shows where; please report it", file=sys.stderr)
        _traceback_if_wanted(arguments)
        return 2


def _fill_closed() -> None:
    """Open what was closed when the process started (``nnlint … >&-``): the next file would get its number, and with it
    whatever is printed."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one


def _dispatch(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        from nnlint import __version__

        print(f"nnlint {__version__}")
        return 0
    # ``nnlint PATHS`` means ``nnlint check PATHS``: for ever
    if arguments and arguments[0] not in (*COMMANDS, "--help", "-h", "--version"):
        arguments = ["check", *arguments]
    # what a user types most, and what the hook calls, need no typer, which takes longer than reading a file
    paths = [word for word in arguments[1:] if word != "--force-exclude"]
    if arguments[:1] == ["check"] and paths and not any(word.startswith("-") for word in paths):
        from nnlint.cli.checking import check_paths
        from nnlint.config.apply import Configs

        return check_paths(paths, configs=Configs(force_exclude=len(paths) < len(arguments) - 1))
    from nnlint.cli.app import run

    return run(arguments)


def _traceback_if_wanted(arguments: list[str]) -> None:
    if os.environ.get("NNLINT_TRACEBACK") or "--verbose" in arguments:
        import traceback

        traceback.print_exc()


def _leave(code: int) -> None:
    """End the process. One of several that trained together ends at once: a thread of torch's that outlives their group
    would otherwise end it by a signal, and torchrun would call the whole training failed."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    _leave(main())

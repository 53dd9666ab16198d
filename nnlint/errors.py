"""The errors nnlint raises on purpose: each says where, what was found, what was expected and what to do."""

from __future__ import annotations


class NnlintError(Exception):
    """A problem the user can act on; the command line prints it without a traceback and exits with 2.

    Args:
        message: what is wrong, in one sentence without a full stop.
        where: the file, option or key it was found in (``train.py:12:5``, ``--input``), if any.
        help: what to do about it, if anything can be said.
    """

    def __init__(self, message: str, *, where: str | None = None, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.help = help

    def __str__(self) -> str:
        head = f"{self.where}: {self.message}" if self.where else self.message
        return f"{head}\n  help: {self.help}" if self.help else head


class UsageError(NnlintError):
    """A wrong option, target or configuration."""


class ReadError(NnlintError):
    """A file that cannot be read as Python source."""


class RulePackError(NnlintError):
    """A rule pack that cannot be loaded, or a rule file that does not keep the form."""


class TraceError(NnlintError):
    """A network whose forward pass could not be recorded."""


class InputError(NnlintError):
    """An example input that cannot be made: a bad ``--input``, or nothing to infer one from."""


class MismatchError(NnlintError):
    """A network that cannot be trained on the data it was given, and cannot be adapted to them."""


def first_line(error: BaseException) -> str:
    """The first line of an error's message that says something; the name of its class where none does."""
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__)

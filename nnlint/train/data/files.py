"""Files that cannot be read, in the user's words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nnlint.errors import UsageError


@contextmanager
def readable(path: Path | str) -> Iterator[None]:
    """Turns what the system says about a file into an error that names it."""
    try:
        yield
    except FileNotFoundError as error:
        raise UsageError("there is no such file or folder", where=str(error.filename or path)) from None
    except PermissionError as error:
        where = str(error.filename or path)
        raise UsageError("you may not read it", where=where, help="change its permissions") from None
    except OSError as error:
        raise UsageError(f"it cannot be read: {error.strerror or error}", where=str(path)) from error


def near(word: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?`` or nothing."""
    names = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), list(names), n=1)
    return f"did you mean {names[close[0]]!r}?" if close else ""

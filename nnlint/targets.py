"""What to check: paths and targets as the user writes them, resolved to files and to names in them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nnlint.errors import UsageError

#: folders never searched (a path given explicitly always is)
EXCLUDED = frozenset({"__pycache__", "site-packages", "node_modules", "build", "dist", "venv", "env", "_build"})
_NAME = r"[^\W\d]\w*"
_DOTTED = rf"{_NAME}(?:\.{_NAME})*"
#: a name, or a call of it: `Net(10, width=64)`
_WHAT = rf"(?P<name>{_DOTTED}(?:\(.*\))?)\Z"
_FILE_TARGET = re.compile(rf"(?P<path>.+?\.py):{_WHAT}", re.DOTALL)
_MODULE_TARGET = re.compile(rf"(?P<module>{_DOTTED}):{_WHAT}", re.DOTALL)


#: whether to leave out a file or folder; the second argument: it was given explicitly
Excluded = Callable[[Path, bool], bool]


@dataclass(frozen=True, slots=True)
class Target:
    """A file, and the one name in it, or call of it, that is meant (None: every network the file defines)."""

    path: str
    name: str | None = None

    def __str__(self) -> str:
        return f"{self.path}:{self.name}" if self.name else self.path


def expand(paths: Iterable[str], excluded: Excluded | None = None) -> tuple[Target, ...]:
    """The files that ``paths`` mean: folders searched for ``.py`` files, each file once, in the order given.

    Args:
        excluded: which files and folders to leave out; it is told whether one was given explicitly.

    Raises:
        UsageError: for a path that does not exist or a module that cannot be found.
    """
    targets: dict[Target, None] = {}
    for path in paths:
        for target in _expand_one(path, excluded or (lambda path, explicit: False)):  # noqa: ARG005
            targets.setdefault(target)
    return tuple(targets)


def _expand_one(text: str, excluded: Excluded) -> Iterator[Target]:
    path = Path(text)
    if text and path.is_dir():
        if not excluded(path, True):
            yield from (Target(found) for found in _search(path, excluded))
    elif text and path.exists():
        if not excluded(path, True):
            yield Target(text)
    elif (match := _FILE_TARGET.match(text)) and Path(match["path"]).is_file():
        yield Target(match["path"], match["name"])
    elif match := _MODULE_TARGET.match(text):
        yield Target(_find_module(match["module"], text), match["name"])
    else:
        missing = match["path"] if (match := _FILE_TARGET.match(text)) else text
        raise UsageError("there is no such file or folder", where=missing or "''", help=_FORMS)


_FORMS = "give a file, a folder, model.py:Name, 'model.py:Name(10)', or package.module:name"


def _search(folder: Path, excluded: Excluded) -> Iterator[str]:
    for here, folders, files in os.walk(folder):
        root = Path(here)
        folders[:] = sorted(
            name for name in folders if not _is_no_source(root / name) and not excluded(root / name, False)
        )
        sources = (root / name for name in sorted(files) if name.endswith(".py"))
        yield from (str(file) for file in sources if not excluded(file, False))


def _is_no_source(folder: Path) -> bool:
    name = folder.name
    return name.startswith(".") or name in EXCLUDED or name.endswith(".egg-info") or (folder / "pyvenv.cfg").exists()


def _find_module(module: str, text: str) -> str:
    """The file of a module, found without importing any of its packages: that would run their code."""
    parts = module.split(".")
    for entry in ["", *sys.path]:
        base = Path(entry or ".", *parts)
        for file in (base.with_name(base.name + ".py"), base / "__init__.py"):
            if file.is_file():
                return str(file)
    raise UsageError(
        f"there is no module {module!r}", where=text, help=f"searched the current folder and {sys.executable}'s path"
    )

"""Calls of a network elsewhere in the project: in a file beside it, or in the README. The next best evidence."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from nnlint.errors import NnlintError
from nnlint.load.session import Session
from nnlint.load.trying import Attempt
from nnlint.script.model import Build, Factory, NetworkClass, Script
from nnlint.script.networks import Networks
from nnlint.script.project import Project
from nnlint.script.read import read

#: files looked through, and bytes of each: a search, not a crawl
FILES = 300
BYTES = 400_000
#: files with such a call that are read
WITNESSES = 3
_SKIPPED = frozenset({"__pycache__", "site-packages", "node_modules", "build", "dist", "venv", "env"})
_BLOCK = re.compile(r"^```[ \t]*(?:python|py)[ \t]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def witnesses(session: Session, what: NetworkClass | Factory) -> Iterator[Attempt]:
    """The network as other files of the project build it, nearest files first."""
    call = re.compile(rf"\b{re.escape(what.name)}\(")
    found = 0
    for path in _files(session):
        if found == WITNESSES:
            return
        for script in _scripts(path, call):
            builds = _calls(session, script, what)
            found += bool(builds)
            for build in builds[:1]:
                yield _attempt(session, script, build, what)


def _calls(session: Session, script: Script, what: NetworkClass | Factory) -> list[Build]:
    """Where another file builds it, whole networks first: what it calls must be imported from the session's file."""
    path = Path(script.path).absolute()
    project = Project(str(path))
    named = [build for build in script.builds if build.callee.rpartition(".")[2] == what.name]
    calls = [build for build in named if _is_defined_at(project.define(build.callee, path), session, what)]
    return sorted(calls, key=lambda build: build.owner is not None)


def _is_defined_at(defined: tuple[Networks, str] | None, session: Session, what: NetworkClass | Factory) -> bool:
    """Whether a name leads to this very definition: files of one folder often have classes of the same name."""
    return defined is not None and defined[0].path.resolve() == session.project.script and defined[1] == what.name


def _attempt(session: Session, script: Script, build: Build, what: NetworkClass | Factory) -> Attempt:
    return Attempt(
        target=f"{session.script.path}:{what.name}",
        name=what.name,
        found=f"as built at {build.site}",
        site=what.site,
        make=lambda: session.beside(script).value_of(build),
        built_here=False,
    )


def _scripts(path: Path, call: re.Pattern[str]) -> Iterator[Script]:
    try:
        if path.stat().st_size > BYTES:
            return
        text = path.read_text("utf-8", "replace")
    except OSError:
        return
    sources = [text] if path.suffix == ".py" else list(_blocks(text))
    for source in sources:
        if call.search(source):
            try:
                yield read(os.path.relpath(path), source)
            except NnlintError:  # not Python, or only the outline of it
                continue


def _blocks(text: str) -> Iterator[str]:
    """The Python in a README, each block on the lines it stands on."""
    for block in _BLOCK.finditer(text):
        yield "\n" * text[: block.start(1)].count("\n") + block[1]


def _files(session: Session) -> Iterator[Path]:
    """Python files and READMEs of the project: the script's folder first, then outwards."""
    seen: set[Path] = {session.project.script}
    left = FILES
    for folder in dict.fromkeys([session.project.script.parent, *map(Path, reversed(session.project.roots))]):
        for path in _in_folder(folder):
            if path not in seen:
                seen.add(path)
                yield path
                left -= 1
                if not left:
                    return


def _in_folder(folder: Path) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        for name in sorted(files):
            if name.endswith(".py") or name.lower() == "readme.md":
                yield Path(here, name)

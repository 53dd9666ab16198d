"""Which files are left out: ``exclude`` of the configuration, and what git ignores."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

    from nnlint.config.load import Config


def is_excluded(path: Path, explicit: bool, config: Config | None, *, force: bool = False) -> bool:
    """Whether a file or folder is left out.

    Args:
        explicit: it was given on the command line, and is left out only if that is forced.
        config: the configuration that applies to it.
        force: exclusion is asked for (``--force-exclude``), whatever the configuration says.
    """
    force = force or (config is not None and config.table.force_exclude)
    if explicit and not force:
        return False
    place = path.resolve()
    if config is not None and config.table.exclude:
        patterns = _patterns(tuple(config.table.exclude))
        if _matches(patterns, place, config.folder.resolve(), parents=explicit):
            return True
    if explicit or (config is not None and not config.table.respect_gitignore):
        return False
    return _is_ignored_by_git(place)


def _is_ignored_by_git(place: Path) -> bool:
    """The last pattern that speaks of it decides, those of nearer folders after those further up."""
    verdict = False
    for folder in reversed(_folders_of_repository(place.parent)):
        patterns = _gitignore(folder)
        if patterns is not None:
            result = patterns.check_file(_relative(place, folder)).include
            verdict = verdict if result is None else result
    return verdict


@cache
def _folders_of_repository(folder: Path) -> tuple[Path, ...]:
    """The folder and those above it up to the root of its git repository; none outside one."""
    chain = (folder, *folder.parents)
    for index, here in enumerate(chain):
        if (here / ".git").exists():
            return chain[: index + 1]
    return ()


@cache
def _gitignore(folder: Path) -> GitIgnoreSpec | None:
    file = folder / ".gitignore"
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return _patterns(tuple(lines))


@cache
def _patterns(lines: tuple[str, ...]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(lines)


def _matches(patterns: GitIgnoreSpec, place: Path, folder: Path, *, parents: bool) -> bool:
    """Whether the patterns mean a path; ``parents``: or one of the folders it lies in."""
    if not place.is_relative_to(folder):
        return False
    inside = [here for here in (place, *place.parents) if here != folder and here.is_relative_to(folder)]
    return any(patterns.match_file(_relative(here, folder)) for here in (inside if parents else inside[:1]))


def _relative(place: Path, folder: Path) -> str:
    return place.relative_to(folder).as_posix() + ("/" if place.is_dir() else "")

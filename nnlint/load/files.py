"""Whose a source file is: the user's, or an installed library's, Python's and nnlint's own."""

from __future__ import annotations

import linecache
import sysconfig
import traceback
from functools import lru_cache
from pathlib import Path
from types import FrameType

from nnlint.site import Site, from_bytes


@lru_cache(maxsize=1)
def _installed() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = {Path(paths[key]).resolve() for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    return (*map(str, folders), str(Path(__file__).resolve().parent.parent))


@lru_cache(maxsize=4096)
def is_users(filename: str) -> bool:
    """Whether a file (a code object's ``co_filename``) belongs to the user's project."""
    if not filename.endswith(".py"):
        return False
    path = Path(filename).resolve()
    return not any(path.is_relative_to(folder) for folder in _installed())


def site_of(frame: FrameType) -> Site | None:
    """The expression a frame is running."""
    code = frame.f_code
    for place, (line, end_line, column, end_column) in enumerate(code.co_positions()):
        if place == frame.f_lasti // 2:
            if line is None or end_line is None or column is None or end_column is None:
                return None
            lines = linecache.getlines(code.co_filename)
            return from_bytes(code.co_filename, lines, line, column, end_line, end_column)
    return None


def raised_at(error: BaseException) -> Site | None:
    """The innermost expression of the user's code in an exception's traceback."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if is_users(frame.f_code.co_filename)]
    return site_of(frames[-1]) if frames else None


def users_site(frame: FrameType | None) -> Site | None:
    """The innermost expression of the user's code that is running, from a frame outwards.

    None for what an installed library does as it is imported: that is not the user's doing.
    """
    while frame is not None and frame.f_code.co_filename != "<frozen importlib._bootstrap>":
        if is_users(frame.f_code.co_filename):
            return site_of(frame)
        frame = frame.f_back
    return None

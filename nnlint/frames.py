"""Which expression of the user's source is running: from a Python frame to the exact span of the call."""

from __future__ import annotations

import functools
import linecache
import sysconfig
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType

import torch

import nnlint
from nnlint.site import Site, from_bytes

Position = tuple[int | None, int | None, int | None, int | None]

_SITE_PACKAGES = ("site-packages", "dist-packages")
#: packages that stand between a call and its meaning: the expression to point at is their caller's
_TRANSPARENT = frozenset({"torch", "functorch", "einops", "opt_einsum", "jaxtyping", "beartype", "typeguard"})
_HIDDEN = tuple(
    f"{folder}/"
    for folder in (
        Path(torch.__file__).resolve().parent,
        Path(torch.__file__).parent,
        Path(nnlint.__file__).resolve().parent,
        Path(nnlint.__file__).parent,
    )
)
_STANDARD = f"{sysconfig.get_paths()['stdlib']}/"


@functools.cache
def is_foreign(file: str) -> bool:
    """Whether a file is torch's, nnlint's, the standard library's or no file at all: not where a user would look."""
    if file.startswith("<"):
        return not linecache.getline(file, 1)
    path = file.replace("\\", "/")
    if path.startswith(_HIDDEN):
        return True
    parts = path.split("/")
    for folder in _SITE_PACKAGES:
        if folder in parts:
            return parts[parts.index(folder) + 1] in _TRANSPARENT
    return path.startswith(_STANDARD)


def user_frame(frame: FrameType | None) -> FrameType | None:
    """The first frame from ``frame`` outwards that runs code a user would look at."""
    while frame is not None and is_foreign(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


class Sources:
    """Sites of running frames, with the positions of each code object read once."""

    def __init__(self) -> None:
        # keyed by id, the code object kept alive: hashing a code object reads all of its bytecode
        self._positions: dict[int, tuple[CodeType, list[Position]]] = {}
        self._sites: dict[tuple[int, int], Site | None] = {}

    def site(self, frame: FrameType | None) -> Site | None:
        """The span of the expression that the nearest user frame is evaluating; None where it is not known."""
        frame = user_frame(frame)
        return None if frame is None else self.at(frame)

    def at(self, frame: FrameType) -> Site | None:
        """The span of the expression one frame is evaluating, whoever's frame it is."""
        key = (id(frame.f_code), frame.f_lasti)
        if key not in self._sites:
            self._sites[key] = self._find(frame.f_code, frame.f_lasti // 2)
        return self._sites[key]

    def _find(self, code: CodeType, index: int) -> Site | None:
        held = self._positions.get(id(code))
        if held is None:
            held = self._positions[id(code)] = (code, list(code.co_positions()))
        return site_of(code.co_filename, held[1][index])


def site_of(file: str, position: Position) -> Site | None:
    """The site of a position as code objects give it."""
    line, end_line, column, end_column = position
    if line is None or end_line is None or column is None or end_column is None:
        return None
    return from_bytes(file, linecache.getlines(file), line, column, end_line, end_column)


def position_site(code: CodeType, instruction: int) -> Site | None:
    """The span of the expression at an instruction (`f_lasti`, in bytes) of a code object."""
    return site_of(code.co_filename, next(islice(code.co_positions(), instruction // 2, None)))

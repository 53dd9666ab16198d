"""Picture files: what their headers say, and their pixels as uint8 (C, H, W).

Pillow decodes them; it is an extra (``pip install 'nnlint[images]'``). No torch here: the processes of ``nnlint
prepare`` import this module alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from nnlint.errors import UsageError
from nnlint.train.data.files import readable

T = TypeVar("T")
Fit = Literal["crop", "stretch"]
#: of more pictures that cannot be read, so many are named
MOST_NAMED = 5
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm"})
_GREY = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"})
#: EXIF's tag of how the camera was held, and its values for pictures that lie on their side
_ORIENTATION, _ON_ITS_SIDE = 0x0112, (5, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture is, without decoding it: 1 or 3 channels, pixels as it is to be looked at."""

    channels: int
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        return self.channels, self.height, self.width


def pillow() -> Any:
    """`PIL.Image`.

    Raises:
        UsageError: if Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise UsageError(
            f"pictures are decoded with Pillow, which cannot be imported ({error})",
            help="pip install 'nnlint[images]'",
        ) from None
    return Image


def header(path: Path) -> Header:
    """What a picture is.

    Raises:
        UsageError: if it is none, or cannot be read.
    """
    with _opened(path) as image:
        width, height = image.size
        if image.getexif().get(_ORIENTATION) in _ON_ITS_SIDE:
            width, height = height, width
        return Header(1 if image.mode in _GREY else 3, height, width)


def decode(path: Path, channels: int, size: tuple[int, int] | None = None, fit: Fit = "crop") -> NDArray[np.uint8]:
    """The pixels of a picture, (C, H, W).

    It is turned as its EXIF says; palettes become colours, transparent pixels white, 16 bits 8 (by division by 257).

    Args:
        path: the file.
        channels: 1 (luminance) or 3; grey is repeated.
        size: height and width: bilinear, averaged when shrinking; None: as it is.
        fit: ``crop``: the shorter side is brought to the size, the middle cut out; ``stretch``: both sides are.

    Raises:
        UsageError: if it is no picture, is cut short, or cannot be read.
    """
    from PIL import ImageOps

    with _opened(path) as opened:
        image = _plain(ImageOps.exif_transpose(opened), path).convert("L" if channels == 1 else "RGB")
        if size is not None and image.size != size[::-1]:
            method = pillow().Resampling.BILINEAR
            image = image.resize(size[::-1], method) if fit == "stretch" else ImageOps.fit(image, size[::-1], method)
        pixels = np.asarray(image, dtype=np.uint8)
    return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def decode_all(paths: Sequence[Path], channels: int, size: tuple[int, int], fit: Fit = "crop") -> NDArray[np.uint8]:
    """Pictures as uint8 (N, C, H, W), see `decode`: what a process of ``nnlint prepare`` does.

    Raises:
        UsageError: for those that cannot be decoded.
    """
    found = [attempted(decode, path, channels, size, fit) for path in paths]
    return np.stack(all_or_error(found))


def attempted(read: Callable[..., T], *arguments: Any) -> T | UsageError:
    """What reading a picture gives, or its error: of many bad ones, more than one are to be named."""
    try:
        return read(*arguments)
    except UsageError as error:
        return error


def all_or_error(found: Sequence[T | UsageError]) -> list[T]:
    """What was read of all pictures.

    Raises:
        UsageError: where there are errors among them: the one, or one that names up to five.
    """
    problems = [one for one in found if isinstance(one, UsageError)]
    if not problems:
        return [one for one in found if not isinstance(one, UsageError)]
    if len(problems) == 1:
        raise problems[0]
    named = "".join(f"\n  {one.where}: {one.message}" for one in problems[:MOST_NAMED])
    more = f"; the first {MOST_NAMED}" if len(problems) > MOST_NAMED else ""
    raise UsageError(
        f"{len(problems):,} of the {len(found):,} pictures looked at cannot be read{more}:{named}",
        help="delete them, or replace them",
    )


def pixels_of(image: Any) -> NDArray[np.uint8]:
    """A picture that is open already (a `PIL.Image.Image`) as (C, H, W)."""
    image = _plain(image, Path(getattr(image, "filename", "") or "a picture"))
    grey = image.mode == "L"
    pixels = np.asarray(image if grey else image.convert("RGB"), dtype=np.uint8)
    return pixels[None] if grey else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _plain(image: Any, path: Path) -> Any:
    """A picture with 8 bits a pixel, or 24: grey or colours, nothing transparent."""
    pillow_image = pillow()
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise UsageError("pixels have more than 16 bits, expected 8 or 16", where=str(path))
        return pillow_image.fromarray(((values + 128) // 257).astype(np.uint8))
    if image.mode == "F":
        raise UsageError("pixels are floats, expected 8 or 16 bits", where=str(path), help="store them as an .npy file")
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or (image.mode == "P" and "transparency" in image.info):
        colours = image.convert("RGBA")
        flat = pillow_image.alpha_composite(pillow_image.new("RGBA", image.size, "white"), colours)
        return flat.convert("L" if image.mode in _GREY else "RGB")
    return image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB")


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A picture file, and errors that name it."""
    pillow_image = pillow()
    # what the file system says is told first: Pillow's errors are OSErrors too
    with readable(path):
        stream = path.open("rb")
    try:
        with stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged metadata, which do not matter
            with pillow_image.open(stream) as image:
                yield image
    except UsageError:
        raise
    except pillow_image.UnidentifiedImageError:
        what = "the file is empty" if not path.stat().st_size else "it is no picture that Pillow knows"
        raise UsageError(f"{what}, expected one", where=str(path), help="delete it, or replace it") from None
    except (OSError, SyntaxError, ValueError, EOFError, pillow_image.DecompressionBombError) as error:
        raise UsageError(
            f"the picture cannot be decoded: {error}", where=str(path), help="delete it, or replace it"
        ) from error

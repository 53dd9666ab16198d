"""Files that are edited: read and written so that nothing but the edits changes."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import stat
import tempfile
import tokenize
from dataclasses import dataclass
from pathlib import Path

from nnlint.errors import NnlintError
from nnlint.script.source import decode


class ChangedError(NnlintError):
    """A file that cannot be written, or must not be: somebody else has changed it meanwhile."""


@dataclass(frozen=True, slots=True)
class Original:
    """A file as it was read.

    Attributes:
        path: as the user gave it; ``real``: where it really is (behind symbolic links).
        data: its bytes.
        text: its text, with the line ends it has.
        encoding: by its byte order mark or declaration.
    """

    path: str
    real: str
    data: bytes
    text: str
    encoding: str

    def encoded(self, text: str) -> bytes:
        """A text as the bytes of this file: with its encoding and its byte order mark.

        Raises:
            UnicodeEncodeError: if a character does not exist in its encoding.
        """
        if self.encoding == "utf-8-sig":
            return codecs.BOM_UTF8 + text.encode("utf-8")
        return text.encode(self.encoding)


def read(path: str) -> Original:
    """A file to be edited.

    Raises:
        ReadError: if it is not Python text.
        OSError: if it cannot be read.
    """
    real = os.path.realpath(path)
    data = Path(real).read_bytes()
    text = decode(data, path)
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return Original(path, real, data, text, encoding)


def write(original: Original, text: str) -> None:
    """Put a new text in the place of a file, whole or not at all; its mode stays, and links to it stay links.

    Raises:
        ChangedError: if the file has been changed since it was read, or cannot be written.
    """
    try:
        data = original.encoded(text)
    except UnicodeEncodeError as error:
        raise ChangedError(
            f"cannot be written in its encoding, {original.encoding}: {error.reason}", where=original.path
        ) from None
    try:
        if Path(original.real).read_bytes() != original.data:
            raise ChangedError(
                "has been changed since it was read; it is left as it is", where=original.path, help="run nnlint again"
            )
        if not os.access(original.real, os.W_OK):
            raise ChangedError(
                "is read-only", where=original.path, help="make it writable, or leave --fix out to see the findings"
            )
        _replace(original, data)
    except OSError as error:
        raise ChangedError(f"cannot be written: {error.strerror or error}", where=original.path) from None


def _replace(original: Original, data: bytes) -> None:
    folder, name = os.path.split(original.real)
    handle, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".nnlint", dir=folder)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, stat.S_IMODE(os.stat(original.real).st_mode))  # noqa: PTH101, PTH116
        os.replace(temporary, original.real)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        raise

"""Messages over a pipe between nnlint's processes: a tag, a length, and that many bytes."""

from __future__ import annotations

import os
import struct

_HEAD = struct.Struct("!cQ")

#: what a frame is: a request, a partial result, the result, how the child ended
REQUEST, PARTIAL, VALUE, ERROR, END = b"R", b"P", b"V", b"X", b"E"


def send(fd: int, tag: bytes, payload: bytes) -> None:
    """Write one frame.

    Raises:
        BrokenPipeError: if nobody reads any more.
    """
    data = memoryview(_HEAD.pack(tag, len(payload)) + payload)
    while data:
        data = data[os.write(fd, data) :]


def receive(fd: int) -> tuple[bytes, bytes] | None:
    """Read one frame; None if the other side is gone."""
    head = _read(fd, _HEAD.size)
    if head is None:
        return None
    tag, length = _HEAD.unpack(head)
    payload = _read(fd, length)
    return None if payload is None else (tag, payload)


def _read(fd: int, length: int) -> bytes | None:
    parts: list[bytes] = []
    while length:
        part = os.read(fd, min(length, 1 << 20))
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)

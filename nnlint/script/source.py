"""From bytes to text to tree: encodings, syntax errors, and everything else that makes a file unreadable."""

from __future__ import annotations

import ast
import io
import linecache
import os
import re
import sys
import tokenize
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nnlint.errors import ReadError

#: what ends a line for Python's parser: `str.splitlines` also cuts at form feeds and Unicode separators
_LINE_END = re.compile(r"\r\n|\r|\n")

#: the tree of a long sum is as deep as the sum is long; the parser multiplies this by three, on the C stack
_PARSE_RECURSION = 3000


def split_lines(source: str) -> list[str]:
    """The lines of a source as Python's parser counts them, without their ends."""
    return _LINE_END.split(source)


#: texts that stand for those of files, by their real paths: an edit that is tried and not yet written
_instead: dict[str, str] = {}


@contextmanager
def instead(texts: Mapping[str, str]) -> Iterator[None]:
    """While this is open, files have other texts: for `load`, for `linecache` and so for whatever runs them.

    Args:
        texts: by path. Every way to write the path means the file.
    """
    before = dict(_instead)
    names = {name: text for path, text in texts.items() for name in _spellings(path)}
    cached = {name: linecache.cache.pop(name, None) for name in names}
    _instead.update({os.path.realpath(path): text for path, text in texts.items()})
    for name, text in names.items():
        lines = io.StringIO(text, newline=None).readlines()
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        # without a time of change it is not compared with the file on disk
        linecache.cache[name] = (len(text), None, lines, name)
    try:
        yield
    finally:
        _instead.clear()
        _instead.update(before)
        for name, entry in cached.items():
            linecache.cache.pop(name, None)
            if entry is not None:
                linecache.cache[name] = entry


def _spellings(path: str) -> set[str]:
    real = os.path.realpath(path)
    return {path, real, str(Path(path).absolute()), os.path.relpath(path), os.path.relpath(real)}


def text_instead(path: str) -> str | None:
    """The text that stands for a file's own (see `instead`), None if none does."""
    return _instead.get(os.path.realpath(path)) if _instead else None


def load(path: str) -> str:
    """The text of a Python file, by its byte order mark or PEP 263 declaration, UTF-8 without one.

    Raises:
        ReadError: if there is no such file, it cannot be read, or its bytes are not in the encoding it declares.
    """
    if (text := text_instead(path)) is not None:
        return text
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise ReadError("no such file", where=path) from None
    except IsADirectoryError:
        raise ReadError("this is a folder, not a Python file", where=path) from None
    except OSError as error:
        raise ReadError(f"cannot be read ({error.strerror or error})", where=path) from None
    return decode(data, path)


def decode(data: bytes, path: str) -> str:
    """The text of a Python file's bytes.

    Raises:
        ReadError: if the declared encoding is unknown or contradicts the byte order mark, or the bytes are not in it.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError as error:
        line = _undecodable_line(data)
        if line is None:
            raise ReadError(
                f"the encoding declaration is wrong ({_message(error)})",
                where=path,
                help="name an encoding that Python knows, as in `# -*- coding: utf-8 -*-`",
            ) from None
        raise _not_in("utf-8", f"{path}:{line}") from None
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = len(_LINE_END.findall(data[: error.start].decode("latin-1"))) + 1
        raise _not_in(encoding, f"{path}:{line}") from None
    except LookupError:
        raise ReadError(f"the declared encoding {encoding!r} is not one for text", where=f"{path}:1") from None


def _not_in(encoding: str, where: str) -> ReadError:
    return ReadError(
        f"found bytes that are not {encoding}",
        where=where,
        help="save the file as UTF-8, or declare its encoding in the first line: `# -*- coding: latin-1 -*-`",
    )


def _undecodable_line(data: bytes) -> int | None:
    for number, line in enumerate(data.split(b"\n", 2)[:2], start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            return number
    return None


def _message(error: SyntaxError) -> str:
    return (error.msg or "invalid syntax").rstrip(".")


def parse(source: str, path: str) -> ast.Module:
    """The syntax tree of a source.

    Raises:
        ReadError: with line, column and Python's own message, if it is not Python.
    """
    if "\0" in source:
        line = len(_LINE_END.findall(source, 0, source.index("\0"))) + 1
        raise ReadError("found a null byte: this is not a text file", where=f"{path}:{line}")
    try:
        with warnings.catch_warnings(), deep_recursion(_PARSE_RECURSION):
            warnings.simplefilter("ignore")  # invalid escapes are not ours to report
            return ast.parse(source, path)
    except SyntaxError as error:
        place = f"{path}:{error.lineno or 1}:{error.offset or 1}"
        raise ReadError(f"not valid Python: {_message(error)}", where=place) from None
    except UnicodeEncodeError as error:
        line = len(_LINE_END.findall(source, 0, error.start)) + 1
        raise ReadError("found a character that cannot be encoded", where=f"{path}:{line}") from None
    except (RecursionError, MemoryError):
        raise too_deep(path) from None


def too_deep(path: str) -> ReadError:
    """The error for a source whose expressions or blocks are nested beyond what can be walked."""
    return ReadError(
        "nested too deeply to be read", where=path, help="generated code? exclude the file, or split the expression"
    )


@contextmanager
def deep_recursion(limit: int) -> Iterator[None]:
    """Python's recursion limit, raised for a while."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, limit))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)

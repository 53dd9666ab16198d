"""Encodings, syntax errors and other reasons why a file cannot be read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nnlint.errors import ReadError
from nnlint.script.read import read

NET = "import torch.nn as nn\nclass Größe(nn.Module):\n    def forward(self, x): return x\n"


def written(folder: Path, data: bytes) -> str:
    file = folder / "net.py"
    file.write_bytes(data)
    return str(file)


@pytest.mark.parametrize(
    "data",
    [
        NET.encode(),
        b"\xef\xbb\xbf" + NET.encode(),
        b"# -*- coding: latin-1 -*-\n" + NET.encode("latin-1"),
        b"#!/usr/bin/env python\n# vim: set fileencoding=cp1252 :\n" + NET.encode("cp1252"),
        NET.replace("\n", "\r\n").encode(),
        NET.replace("\n", "\r").encode(),
    ],
    ids=["utf-8", "bom", "latin-1", "second line", "crlf", "cr"],
)
def test_declared_encodings_and_line_ends(tmp_path: Path, data: bytes) -> None:
    script = read(written(tmp_path, data))
    assert [network.name for network in script.networks] == ["Größe"]
    site = script.networks[0].site
    assert script.lines[site.line - 1].startswith("class Größe")


def test_an_editor_s_buffer_is_read_instead_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, b"x = 1")
    assert [network.name for network in read(path, "\ufeff" + NET).networks] == ["Größe"]


def test_columns_count_characters(tmp_path: Path) -> None:
    script = read(written(tmp_path, "import torch.nn as nn\nö = 'äöü'; net = nn.Linear(1, 2)\n".encode()))
    assert script.builds[0].site.column == 18


def test_a_form_feed_ends_no_line(tmp_path: Path) -> None:
    script = read(written(tmp_path, b"import torch.nn as nn\n\x0c\nnet = nn.Linear(1, 2)\n"))
    assert script.lines[script.builds[0].site.line - 1] == "net = nn.Linear(1, 2)"


@pytest.mark.parametrize(
    ("data", "place", "found"),
    [
        (b"a = 1\nb = '\xe4'\n", ":2", "not utf-8"),
        (b"a = 1\n\n\nb = '\xe4'\n", ":4", "not utf-8"),
        (b"# coding: utf-8\nb = 1\n'\xff'", ":3", "not utf-8"),
        (b"# coding: ascii\n\n'\xff'", ":3", "not ascii"),
        (b"# coding: klingon\n", "", "klingon"),
        (b"\xef\xbb\xbf# coding: latin-1\n", "", "encoding declaration"),
        (b"# coding: rot13\n", ":1", "not one for text"),
        (b"a = 1\nb\0c = 2\n", ":2", "null byte"),
        (b"a = 1\nb = = 2\n", ":2:5", "invalid syntax"),
        (b"def f(:\n", ":1:7", "not valid Python"),
        (b"  a = 1\n b = 2\n", ":1", "indent"),
        (b"print 'x'\n", ":1:1", "Missing parentheses"),
        (b"x = (" * 300 + b")" * 300, "", "nested"),
    ],
)
def test_what_cannot_be_read_says_where_and_why(tmp_path: Path, data: bytes, place: str, found: str) -> None:
    path = written(tmp_path, data)
    with pytest.raises(ReadError) as error:
        read(path)
    assert error.value.where is not None
    assert error.value.where.startswith(path + place)
    assert found in str(error.value)


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_what_is_no_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "missing.py" if kind == "missing" else tmp_path
    with pytest.raises(ReadError, match="no such file" if kind == "missing" else "folder"):
        read(str(path))


def test_a_surrogate_in_a_buffer() -> None:
    with pytest.raises(ReadError, match="cannot be encoded") as error:
        read("net.py", "a = 1\nb = '\udc80'\n")
    assert error.value.where == "net.py:2"


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", '"""Only a docstring."""'])
def test_an_empty_file_is_an_empty_script(text: str) -> None:
    script = read("empty.py", text)
    assert not script.uses_torch
    assert (script.networks, script.builds, script.hints, script.recipe.losses) == ((), (), (), ())


@pytest.mark.parametrize(
    "text",
    [
        "x = " + " + ".join(["1"] * 3000),
        "x = " + " or ".join(["a"] * 3000),
        "if a:\n    pass\n" + "".join(f"elif a == {i}:\n    x = {i}\n" for i in range(700)),
        "x = a" + ".b" * 700,
        "x = a" + "(1)" * 300,
        "x = " + "[" * 90 + "]" * 90,
    ],
    ids=["sum", "or", "elif", "attributes", "calls", "lists"],
)
def test_long_chains_are_read(text: str) -> None:
    limit = sys.getrecursionlimit()
    script = read("long.py", "import torch\nnet = torch.nn.Linear(1, 2)\n" + text)
    assert len(script.builds) == 1
    assert sys.getrecursionlimit() == limit


def test_nesting_beyond_what_can_be_walked_is_an_error_not_a_crash() -> None:
    text = "import torch\nx = " + "-" * 100_000 + "1"
    with pytest.raises(ReadError, match="nested too deeply"):
        read("deep.py", text)

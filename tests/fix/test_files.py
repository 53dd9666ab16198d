"""Files read and written: everything but the edits stays, byte for byte, and a file is there whole or as before."""

from __future__ import annotations

import codecs
import os
import stat

import pytest

from nnlint.finding import Edit, Finding, Fix
from nnlint.fix import files, run
from nnlint.fix.plan import compatible, edited, planned
from nnlint.site import Site

BODY = "from torch import nn\n\n# nnlint: input=8\nnet = nn.Sequential(\n\tnn.Linear(8, 8),\t# Größe\n\tnn.ReLU(),\n)\n"


@pytest.mark.parametrize(
    ("before", "encoding"),
    [
        (BODY.encode("utf-8"), "utf-8"),
        (BODY.replace("\n", "\r\n").encode("utf-8"), "utf-8"),
        (BODY.replace("\n", "\r").encode("utf-8"), "utf-8"),
        (codecs.BOM_UTF8 + BODY.encode("utf-8"), "utf-8"),
        (("# -*- coding: latin-1 -*-\n" + BODY).encode("latin-1"), "latin-1"),
        (BODY.rstrip("\n").encode("utf-8"), "utf-8"),
        (BODY.replace("\n", "\r\n", 3).encode("utf-8"), "utf-8"),
    ],
    ids=["utf-8", "crlf", "cr", "bom", "latin-1", "no last newline", "mixed"],
)
def test_only_the_edit_changes(tmp_path, fix, before: bytes, encoding: str) -> None:
    file = tmp_path / "net.py"
    file.write_bytes(before)
    result = fix(file)
    assert run.write(result.changes) == []
    assert file.read_bytes() == before.replace(b"nn.ReLU()", b"nn.ReLU(inplace=True)")
    assert list(tmp_path.iterdir()) == [file]


def test_new_lines_end_as_the_others_do() -> None:
    from nnlint.edits import applied

    edit = Edit(Site("a", 1, 2, 1, 2), "\nb")
    assert applied("a\r\nc\r\n", [edit]) == "a\r\nb\r\nc\r\n"
    assert applied("a\rc\r", [edit]) == "a\rb\rc\r"
    assert applied("a", [edit]) == "a\nb"


def test_mode_and_links_stay(tmp_path) -> None:
    file, link = tmp_path / "real.py", tmp_path / "link.py"
    file.write_text("a = 1\n")
    file.chmod(0o755)
    link.symlink_to("real.py")
    files.write(files.read(str(link)), "a = 2\n")
    assert link.is_symlink()
    assert file.read_text() == "a = 2\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o755


def test_a_crash_between_leaves_the_file_as_it_was(tmp_path, monkeypatch) -> None:
    file = tmp_path / "net.py"
    file.write_text("a = 1\n")
    original = files.read(str(file))

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        files.write(original, "a = 2\n")
    assert file.read_text() == "a = 1\n"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_was_changed_meanwhile_is_left_alone(tmp_path) -> None:
    file = tmp_path / "net.py"
    file.write_text("a = 1\n")
    change = run.Change(files.read(str(file)), "a = 2\n")
    file.write_text("a = 3\n")
    (problem,) = run.write([change])
    assert "has been changed since it was read" in problem
    assert file.read_text() == "a = 3\n"


def test_a_read_only_file_is_left_alone(tmp_path, monkeypatch) -> None:
    file = tmp_path / "net.py"
    file.write_text("a = 1\n")
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)  # the tests may run as root
    with pytest.raises(files.ChangedError, match="is read-only"):
        files.write(files.read(str(file)), "a = 2\n")
    assert file.read_text() == "a = 1\n"


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch) -> None:
    file = tmp_path / "net.py"
    file.write_text("a = 1\n")

    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(files.ChangedError, match="cannot be written: Permission denied"):
        files.write(files.read(str(file)), "a = 2\n")


def test_a_character_that_the_encoding_does_not_have(tmp_path) -> None:
    file = tmp_path / "net.py"
    file.write_bytes("# coding: latin-1\na = 'ü'\n".encode("latin-1"))
    with pytest.raises(files.ChangedError, match="cannot be written in its encoding"):
        files.write(files.read(str(file)), "# coding: latin-1\na = '→'\n")


def fixed(file, *edits: Edit, safe: bool = True) -> Finding:
    return Finding("m", None, fix=Fix(edits, safe), rule="rule")


def test_fixes_that_touch_each_other_wait(tmp_path) -> None:
    file = str(tmp_path / "net.py")

    def at(start: int, end: int, text: str) -> Finding:
        return fixed(file, Edit(Site(file, 1, start, 1, end), text))

    plan = planned([at(1, 3, "x"), at(2, 4, "y"), at(3, 5, "z"), at(6, 6, "p"), at(6, 6, "q"), at(6, 8, "r")], [file])
    chosen = compatible(plan)
    assert [fix.edits[file][0].text for fix in chosen] == ["x", "z", "p", "r"]
    assert edited({file: "abcdefgh"}, chosen) == {file: "xzepr" + "h"}


def test_edits_of_other_files_are_no_plan(tmp_path) -> None:
    own, other = str(tmp_path / "own.py"), str(tmp_path / "other.py")
    edits = (Edit(Site(own, 1, 1, 1, 2), "x"), Edit(Site(other, 1, 1, 1, 2), "y"))
    assert planned([fixed(own, *edits)], [own]) == []
    assert len(planned([fixed(own, *edits)], [own, other])) == 1


def test_installed_packages_are_left_alone(tmp_path) -> None:
    file = str(tmp_path / "site-packages" / "net.py")
    assert planned([fixed(file, Edit(Site(file, 1, 1, 1, 2), "x"))], [file]) == []


def test_edits_that_do_not_fit(tmp_path) -> None:
    file = str(tmp_path / "net.py")
    plan = planned([fixed(file, Edit(Site(file, 9, 1, 9, 2), "x"))], [file])
    assert edited({file: "a\n"}, plan) is None


def test_the_diff(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_bytes(b"a = 1\r\nb = 2")
    change = run.Change(files.read("net.py"), "a = 1\r\nb = 3")
    assert run.diff([change]) == (
        "--- a/net.py\n+++ b/net.py\n@@ -1,2 +1,2 @@\n a = 1\r\n-b = 2\n\\ No newline at end of file\n"
        "+b = 3\n\\ No newline at end of file\n"
    )

"""Paths and targets, resolved to files."""

from pathlib import Path

import pytest

from nnlint.errors import UsageError
from nnlint.targets import Target, expand


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "b.py", "a.py", "notes.txt", "sub/c.py", "sub/.hidden/d.py", ".venv/e.py", "build/f.py",
        "sub/site-packages/g.py", "__pycache__/h.py", "myenv/pyvenv.cfg", "myenv/lib/i.py", "x.egg-info/j.py",
        "pkg/__init__.py", "pkg/models/net.py", "pkg/models/__init__.py",
    ):  # fmt: skip
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paths(*arguments: str) -> list[str]:
    return [Path(str(target)).as_posix() for target in expand(arguments)]


def test_folders_are_searched_without_what_is_not_the_users_own(tree: Path) -> None:
    assert paths(".") == ["a.py", "b.py", "pkg/__init__.py", "pkg/models/__init__.py", "pkg/models/net.py", "sub/c.py"]


def test_an_explicit_path_is_always_taken(tree: Path) -> None:
    assert paths("build/f.py", "sub/.hidden", "notes.txt") == ["build/f.py", "sub/.hidden/d.py", "notes.txt"]


def test_each_file_once_in_the_order_given(tree: Path) -> None:
    assert paths("sub", "b.py", ".")[:2] == ["sub/c.py", "b.py"]
    assert len(paths("sub", "b.py", ".")) == 6


def test_names_in_files_and_modules(tree: Path) -> None:
    assert expand(["a.py:Net", "pkg.models.net:Outer.Inner", "pkg.models:make"]) == (
        Target("a.py", "Net"),
        Target(str(Path("pkg/models/net.py")), "Outer.Inner"),
        Target(str(Path("pkg/models/__init__.py")), "make"),
    )


def test_calls_in_files_and_modules(tree: Path) -> None:
    assert expand(["a.py:Net(10, size=(3, 4))", "a.py:models.Net('b.py:x')", "pkg.models:make()"]) == (
        Target("a.py", "Net(10, size=(3, 4))"),
        Target("a.py", "models.Net('b.py:x')"),
        Target(str(Path("pkg/models/__init__.py")), "make()"),
    )


@pytest.mark.parametrize(
    "path", ["nope.py", "a.py:Net(3", "nope.py:Net(3)", "nope/", "nope.py:Net", "no.such.module:Net", "a.py:1x", ""]
)
def test_what_does_not_exist_is_told(tree: Path, path: str) -> None:
    with pytest.raises(UsageError):
        expand([path])

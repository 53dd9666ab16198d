"""The other files of a project, followed by `ast` alone: where an imported name is defined, and in which file."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from nnlint.errors import ReadError
from nnlint.script import source
from nnlint.script.naming import Names

if TYPE_CHECKING:
    from nnlint.script.networks import Networks

#: imports of imports that are followed, and files (and bytes of them) opened for one read: parsing is what costs
_DEPTH = 6
_FILES = 24
_BYTES = 800_000
#: star imports of one file that a name is looked for in
_STARS = 12
_PARENTS = 6
_ROOT_MARKS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
_INSTALLED = frozenset({"site-packages", "dist-packages"})

#: (path, mtime, size) → the names of a file: the files of a project import each other
_cache: OrderedDict[tuple[str, int, int, str | None], Names | None] = OrderedDict()
_CACHE_SIZE = 128


class Project:
    """Finds and reads the files that one file imports."""

    def __init__(self, path: str) -> None:
        self.folder = Path(path).absolute().parent
        self.opened = 0
        self.bytes = 0
        self._roots: list[tuple[Path, str | None]] | None = None
        self._found: dict[tuple[str, Path], tuple[Path, tuple[str, ...]] | None] = {}
        self._files: dict[Path, Networks | None] = {}
        self._defined: dict[tuple[str, Path], tuple[Networks, str] | None] = {}

    def roots(self) -> list[tuple[Path, str | None]]:
        """The folders an absolute import may start from, with the only package it may name there (None: any)."""
        if self._roots is None:
            self._roots = [(root, only) for folder, only in self._ancestors() for root in (folder, folder / "src")]
        return self._roots

    def _ancestors(self) -> Iterator[tuple[Path, str | None]]:
        """The file's folder and those above it that belong to the project.

        Up to the one with the project's marks; where there is none, up to the one that holds the outermost package.
        """
        climbed = [self.folder, *list(self.folder.parents)[:_PARENTS]]
        marked = next(
            (at for at, path in enumerate(climbed) if any((path / mark).exists() for mark in _ROOT_MARKS)), None
        )
        if marked is None:
            marked = next((at for at, path in enumerate(climbed) if not (path / "__init__.py").exists()), 0)
        for index, path in enumerate(climbed[: marked + 1]):
            if path.name in _INSTALLED:  # a library's own file: its package alone is the project
                yield path, climbed[index - 1].name if index else None
                return
            yield path, None

    def find(self, dotted: str, importer: Path) -> tuple[Path, tuple[str, ...]] | None:
        """The file of the longest module prefix of a dotted name, and the attributes that remain.

        A relative name (leading dots) is looked up from the importing file's folder.
        """
        relative = dotted.startswith(".")
        key = (dotted, importer.parent if relative else self.folder)
        if key not in self._found:
            self._found[key] = _relative(dotted, importer) if relative else self._absolute(dotted.split("."))
        return self._found[key]

    def _absolute(self, parts: list[str]) -> tuple[Path, tuple[str, ...]] | None:
        for root, only in self.roots():
            if only is None or parts[0] == only:
                found = _module(root, parts, package=False)
                if found:
                    return found
        return None

    def read(self, path: Path) -> Networks | None:
        """What a file defines; None where it cannot be read, or too much was read already."""
        from nnlint.script.networks import Networks

        if path not in self._files:
            names = self._names(path)
            self._files[path] = Networks(names, path, self) if names is not None else None
        return self._files[path]

    def _names(self, path: Path) -> Names | None:
        try:
            status = path.stat()
        except OSError:
            return None
        if self.opened >= _FILES or self.bytes + status.st_size > _BYTES:
            return None
        self.opened += 1  # remembered files count too: the answer must not depend on what was read before
        self.bytes += status.st_size
        text = source.text_instead(str(path))
        key = (str(path), status.st_mtime_ns, status.st_size, text)
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
        try:
            _cache[key] = Names(source.parse(source.load(str(path)), str(path)))
        except ReadError:
            _cache[key] = None  # a sibling that is not Python: what it holds is not known
        if len(_cache) > _CACHE_SIZE:
            _cache.popitem(last=False)
        return _cache[key]

    def define(self, dotted: str, importer: Path, depth: int = 0) -> tuple[Networks, str] | None:
        """The file that defines an imported name, and the name there; re-exports are followed."""
        key = (dotted, importer)
        if key not in self._defined:
            self._defined[key] = None  # modules that import each other end here
            self._defined[key] = self._define(dotted, importer, depth)
        return self._defined[key]

    def _define(self, dotted: str, importer: Path, depth: int) -> tuple[Networks, str] | None:
        found = self.find(dotted, importer) if depth < _DEPTH else None
        if found is None:
            return None
        path, rest = found
        file = self.read(path) if rest and path != importer else None
        return self._inside(file, rest, depth) if file is not None else None

    def _inside(self, file: Networks, rest: tuple[str, ...], depth: int) -> tuple[Networks, str] | None:
        bindings = file.names.module.bindings.get(rest[0])
        if bindings is None:
            starred = (self.define(_below(star, rest), file.path, depth + 1) for star in file.names.stars[:_STARS])
            return next((found for found in starred if found is not None), None)
        imported = next((binding.dotted for binding in bindings if binding.kind == "import"), None)
        if imported is not None:
            return self.define(_below(imported, rest[1:]), file.path, depth + 1)
        return file, ".".join(rest)


def _below(module: str, rest: tuple[str, ...]) -> str:
    """The dotted name of something in a module; ``.`` and ``..`` are modules too."""
    joint = "" if module.endswith(".") or not rest else "."
    return module + joint + ".".join(rest)


def _relative(dotted: str, importer: Path) -> tuple[Path, tuple[str, ...]] | None:
    folder = importer.parent
    for _ in range(len(dotted) - len(dotted.lstrip(".")) - 1):
        folder = folder.parent
    return _module(folder, [part for part in dotted.lstrip(".").split(".") if part], package=True)


def _module(root: Path, parts: list[str], *, package: bool) -> tuple[Path, tuple[str, ...]] | None:
    """The longest prefix of the parts that is a module file below the root.

    For a relative import the folder itself is the package, so that ``from . import net`` finds ``__init__.py`` too.
    """
    folder = root
    best: tuple[Path, tuple[str, ...]] | None = None
    if package and (root / "__init__.py").is_file():
        best = root / "__init__.py", tuple(parts)
    for index, part in enumerate(parts):
        file = folder / f"{part}.py"
        folder = folder / part
        init = folder / "__init__.py"
        if init.is_file():
            best = init, tuple(parts[index + 1 :])
        elif file.is_file():
            return file, tuple(parts[index + 1 :])
        elif not folder.is_dir():
            break
    return best

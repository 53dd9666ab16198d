"""The other files of a project, followed by `ast` alone: where an imported name is defined, and in which file."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from nnlint.errors import ReadError
from nnlint.script import source

if TYPE_CHECKING:
    from nnlint.script.networks import Networks

#: imports of imports that are followed, and files opened for one read
_DEPTH = 6
_FILES = 60
_PARENTS = 6
_ROOT_MARKS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")

#: (path, mtime, size) → what was read: the files of a project import each other
_cache: OrderedDict[tuple[str, int, int], Networks | None] = OrderedDict()
_CACHE_SIZE = 64


class Project:
    """Finds and reads the files that one file imports."""

    def __init__(self, path: str) -> None:
        self.folder = Path(path).absolute().parent
        self.opened = 0
        self._roots: list[Path] | None = None

    def roots(self) -> list[Path]:
        """The folders an absolute import may start from: the file's own and its parents', ``src`` included."""
        if self._roots is None:
            found: list[Path] = []
            for folder in [self.folder, *list(self.folder.parents)[:_PARENTS]]:
                found += [folder, folder / "src"]
                if any((folder / mark).exists() for mark in _ROOT_MARKS):
                    break
            self._roots = found
        return self._roots

    def find(self, dotted: str, importer: Path) -> tuple[Path, list[str]] | None:
        """The file of the longest module prefix of a dotted name, and the attributes that remain.

        A relative name (leading dots) is looked up from the importing file's folder.
        """
        level = len(dotted) - len(dotted.lstrip("."))
        parts = [part for part in dotted.lstrip(".").split(".") if part]
        if level:
            folder = importer.parent
            for _ in range(level - 1):
                folder = folder.parent
            return _module(folder, parts, package=True)
        for root in self.roots():
            found = _module(root, parts, package=False)
            if found:
                return found
        return None

    def read(self, path: Path) -> Networks | None:
        """What a file defines; None where it cannot be read or too many files were opened already."""
        from nnlint.script.networks import Networks

        try:
            status = path.stat()
        except OSError:
            return None
        key = (str(path), status.st_mtime_ns, status.st_size)
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
        if self.opened >= _FILES:
            return None
        self.opened += 1
        try:
            found: Networks | None = Networks(source.parse(source.load(str(path)), str(path)), path, self)
        except (ReadError, RecursionError):
            found = None  # a sibling that is not Python: what it holds is not known
        _cache[key] = found
        if len(_cache) > _CACHE_SIZE:
            _cache.popitem(last=False)
        return found

    def define(self, dotted: str, importer: Path, depth: int = 0) -> tuple[Networks, str] | None:
        """The file that defines an imported name, and the name there; re-exports are followed."""
        found = self.find(dotted, importer) if depth < _DEPTH else None
        if found is None:
            return None
        path, rest = found
        if path == importer or not rest:
            return None
        file = self.read(path)
        if file is None:
            return None
        return self._inside(file, rest, depth)

    def _inside(self, file: Networks, rest: list[str], depth: int) -> tuple[Networks, str] | None:
        bindings = file.names.module.bindings.get(rest[0])
        if bindings is None:
            for star in file.names.stars:
                found = self.define(
                    ".".join([star.rstrip("."), *rest]) if star.strip(".") else star + ".".join(rest),
                    file.path,
                    depth + 1,
                )
                if found:
                    return found
            return None
        imported = next((binding.dotted for binding in bindings if binding.kind == "import"), None)
        if imported is not None:
            return self.define(".".join([imported, *rest[1:]]), file.path, depth + 1)
        return file, ".".join(rest)


def _module(root: Path, parts: list[str], *, package: bool) -> tuple[Path, list[str]] | None:
    """The longest prefix of the parts that is a module file below the root.

    For a relative import the folder itself is the package, so that ``from . import net`` finds ``__init__.py`` too.
    """
    folder = root
    best: tuple[Path, list[str]] | None = None
    if package and (root / "__init__.py").is_file():
        best = root / "__init__.py", parts
    for index, part in enumerate(parts):
        file = folder / f"{part}.py"
        folder = folder / part
        init = folder / "__init__.py"
        if init.is_file():
            best = init, parts[index + 1 :]
        elif file.is_file():
            return file, parts[index + 1 :]
        elif not folder.is_dir():
            break
    return best

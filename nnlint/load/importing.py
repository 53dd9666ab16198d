"""Imports while loading: the project's own modules by their definitions, missing third-party ones as stand-ins."""

from __future__ import annotations
import __future__

import ast
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from nnlint.load.execute import Scope
from nnlint.load.files import is_users
from nnlint.load.keeping import keeping
from nnlint.load.slicing import Step
from nnlint.load.standin import Origin, StandIn
from nnlint.load.timing import unlimited
from nnlint.script.source import text_instead
from nnlint.site import Site, of_node

#: the name a script gets that is in no package: never `__main__`, and no other module's
SCRIPT = "nnlint_script_"


@dataclass(eq=False)
class Project:
    """The files around a script, as far as they were loaded.

    Attributes:
        script: the script's absolute path.
        name: the module name it is loaded under.
        roots: folders its imports are searched in, first ones first.
        scopes: the scopes of the project's modules, by module name.
        missing: imports that failed, by module name.
        shown: absolute path → the path to show (the one the user gave).
        trees: parsed sources handed in, by absolute path.
        adopted: an installed package that is loaded like the project's own.
        plain: packages around the script without an ``__init__.py``: name → folder.
    """

    script: Path
    name: str
    roots: tuple[str, ...]
    scopes: dict[str, Scope] = field(default_factory=dict)
    missing: dict[str, Origin] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    trees: dict[str, ast.Module] = field(default_factory=dict)
    adopted: str = ""
    plain: dict[str, str] = field(default_factory=dict)

    def owns(self, origin: str | None) -> bool:
        """Whether a module's file is the project's: Python source that is neither installed nor Python's own."""
        if origin is None or not origin.endswith(".py"):
            return False
        return Path(origin).resolve() == self.script or is_users(origin)

    def show(self, path: str) -> str:
        """An absolute path as the user would write it: relative where the script's is."""
        if path in self.shown:
            return self.shown[path]
        return path if Path(self.shown[str(self.script)]).is_absolute() else os.path.relpath(path)


def project_of(path: str, levels: int = 0) -> Project:
    """Where a script stands: its package, its folder, the root of its project.

    Its package goes as far up as there are ``__init__.py``, or as its relative imports go (``from ..parts import x``
    has two ``levels``): a folder that is a package need not say so.
    """
    script = Path(path).resolve()
    package: list[str] = []
    folders: list[Path] = []
    folder = script.parent
    while folder.name.isidentifier() and (
        (folder / "__init__.py").is_file() or (len(package) < levels and folder.name not in sys.stdlib_module_names)
    ):
        package.insert(0, folder.name)
        folders.insert(0, folder)
        folder = folder.parent
    stem = script.stem
    if package:
        name = ".".join(package if stem == "__init__" else [*package, stem])
    else:
        name = SCRIPT + "".join(c if c.isalnum() else "_" for c in stem)
    roots = [str(folder), str(script.parent)] if package else [str(folder)]
    top = next((f for f in (folder, *folder.parents) if any((f / mark).exists() for mark in _MARKS)), None)
    if top is not None:
        roots += [str(top), str(top / "src")]
    named = {".".join(package[: index + 1]): folder for index, folder in enumerate(folders)}
    plain = {name: str(folder) for name, folder in named.items() if not (folder / "__init__.py").is_file()}
    return Project(script, name, tuple(dict.fromkeys(roots)), shown={str(script): path}, plain=plain)


_MARKS = (".git", "pyproject.toml", "setup.py", "setup.cfg")


def levels_of(tree: ast.Module) -> int:
    """How many folders the relative imports of a file go up, its own counted."""
    return max((node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)), default=0)


class Finder(importlib.abc.MetaPathFinder):
    """Finds the project's modules, and gives them a loader that runs definitions only."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`."""
        if fullname in self.project.plain:  # an installed package of the same name would come first
            return _plain(fullname, self.project.plain[fullname])
        if fullname == self.project.name and path is None:
            return _spec(fullname, str(self.project.script), None, self.project)
        where = [*self.project.roots, *sys.path] if path is None else path
        of_python = fullname.split(".", maxsplit=1)[0] in sys.stdlib_module_names
        spec = None if of_python else importlib.machinery.PathFinder.find_spec(fullname, where)
        if spec is None:
            return None
        adopted = fullname.partition(".")[0] == self.project.adopted and (spec.origin or "").endswith(".py")
        if spec.origin is None:  # a folder without __init__.py
            return spec if path is None else None
        if not adopted and not self.project.owns(spec.origin):
            return None
        return _spec(fullname, spec.origin, spec.submodule_search_locations, self.project)


def _plain(name: str, folder: str) -> importlib.machinery.ModuleSpec:
    spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = [folder]
    return spec


def _spec(
    name: str, origin: str, locations: list[str] | None, project: Project
) -> importlib.machinery.ModuleSpec | None:
    loader = DefinitionsLoader(name, origin, project)
    return importlib.util.spec_from_file_location(name, origin, loader=loader, submodule_search_locations=locations)


class DefinitionsLoader(importlib.machinery.SourceFileLoader):
    """Runs a module's definitions; its other names get their values when they are asked for."""

    def __init__(self, name: str, path: str, project: Project) -> None:
        super().__init__(name, path)
        self.project = project

    def exec_module(self, module: ModuleType) -> None:
        """See `importlib.abc.Loader`."""
        path = str(Path(self.path).resolve())
        shown = self.project.show(path)
        tree = self.project.trees.get(path)
        if tree is None:
            text = text_instead(path)
            tree = ast.parse(self.get_data(self.path) if text is None else text, shown)
        scope = Scope(tree.body, vars(module), shown, flags=future_flags(tree), importer=Importer(self.project, shown))
        self.project.scopes[module.__name__] = scope
        module.__dict__.setdefault("__getattr__", _Attribute(module.__name__, scope))
        with keeping(scope):
            scope.define()


class _Attribute:
    """A module's ``__getattr__``: its names are values too, when they are asked for."""

    def __init__(self, module: str, scope: Scope) -> None:
        self.module = module
        self.scope = scope

    def __call__(self, name: str) -> Any:
        try:
            return self.scope.find(name)
        except KeyError:
            raise AttributeError(f"module {self.module!r} has no attribute {name!r}") from None


def future_flags(tree: ast.Module) -> int:
    """The compiler flags of a file's ``from __future__`` imports."""
    flags = 0
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                flags |= getattr(__future__, alias.name).compiler_flag
    return flags


@dataclass(frozen=True, eq=False)
class Importer:
    """Runs one file's import statements."""

    project: Project
    file: str

    def __call__(self, step: Step, scope: Scope) -> ModuleType | None:
        """Run an import, name by name. A module that is not installed, or does not import, is stood in for."""
        node = step.node
        assert isinstance(node, ast.Import | ast.ImportFrom)
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            return None
        for alias in node.names:
            one = ast.copy_location(
                ast.Import([alias])
                if isinstance(node, ast.Import)
                else ast.ImportFrom(node.module, [alias], node.level),
                node,
            )
            self._one(one, alias, scope)
        if step.binds == {"*"} and isinstance(node, ast.ImportFrom):
            return self._module(node, scope)
        return None

    def _module(self, node: ast.ImportFrom, scope: Scope) -> ModuleType | None:
        name = "." * node.level + (node.module or "")
        try:
            return importlib.import_module(name, scope.namespace.get("__package__"))
        except ImportError:  # stood in for already
            return None

    def is_local(self, step: Step) -> bool:
        """Whether a statement imports modules of the project."""
        node = step.node
        if isinstance(node, ast.ImportFrom):
            return node.level > 0 or self._is_local(node.module or "")
        return isinstance(node, ast.Import) and any(self._is_local(alias.name) for alias in node.names)

    def _is_local(self, module: str) -> bool:
        head = module.split(".", maxsplit=1)[0]
        if head in sys.stdlib_module_names:
            return False
        if head in sys.modules:
            spec = getattr(sys.modules[head], "__spec__", None)
        else:
            spec = importlib.machinery.PathFinder.find_spec(head, list(self.project.roots))
        if spec is None:
            return False
        if spec.origin is None:
            return any(head == Path(p).name for r in self.project.roots for p in [Path(r) / head] if p.is_dir())
        return self.project.owns(spec.origin)

    def _one(self, node: ast.Import | ast.ImportFrom, alias: ast.alias, scope: Scope) -> None:
        module = alias.name if isinstance(node, ast.Import) else node.module or ""
        code = compile(ast.Module([node], []), scope.filename, "exec", scope.flags, dont_inherit=True)
        try:
            with nullcontext() if self._is_own(node, module) else unlimited():
                exec(code, scope.namespace)
        except Exception as error:
            if self._is_own(node, module) or module.split(".")[0] == "torch":
                raise
            self._stand_in(module, alias, node, error, scope)

    def _is_own(self, node: ast.Import | ast.ImportFrom, module: str) -> bool:
        return (isinstance(node, ast.ImportFrom) and node.level > 0) or self._is_local(module)

    def _stand_in(
        self, module: str, alias: ast.alias, node: ast.Import | ast.ImportFrom, error: Exception, scope: Scope
    ) -> None:
        if isinstance(node, ast.Import):
            name = alias.asname or alias.name.split(".")[0]
            path = module if alias.asname else name
        else:
            name, path = alias.asname or alias.name, f"{module}.{alias.name}"
        origin = Origin("import", path, _reason(module, error), self._site(node))
        self.project.missing.setdefault(path, origin)
        if name != "*":
            scope.namespace[name] = StandIn(origin, path)

    def _site(self, node: ast.AST) -> Site:
        import linecache

        return of_node(self.file, linecache.getlines(self.file), node)


def _reason(module: str, error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name and module.startswith(error.name):
        return "is not installed"
    return f"cannot be imported: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}".rstrip(
        ": "
    )

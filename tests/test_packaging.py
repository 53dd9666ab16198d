"""What makes `rules/` installable as `nnlint_rules`; and that the pieces of the repository agree."""

import ast
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import nnlint
import nnlint_rules
from nnlint.registry import list_rules

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def python_files(*folders: str) -> list[Path]:
    return [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]


def imports(file: Path) -> Iterator[str]:
    """The dotted names of the modules a file imports, at the top or inside."""
    return imported(ast.parse(file.read_text(encoding="utf-8")))


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def test_the_rules_are_a_package_of_their_own_name() -> None:
    assert (ROOT / "rules" / "__init__.py").is_file()
    assert Path(nnlint_rules.__file__).resolve() == ROOT / "rules" / "__init__.py"
    assert PYPROJECT["tool"]["setuptools"]["package-dir"]["nnlint_rules"] == "rules"


def test_every_package_is_listed() -> None:
    listed = set(PYPROJECT["tool"]["setuptools"]["packages"])
    found = {
        ".".join(file.parent.relative_to(ROOT).parts).replace("rules", "nnlint_rules", 1)
        if file.is_relative_to(ROOT / "rules")
        else ".".join(file.parent.relative_to(ROOT).parts)
        for file in python_files("nnlint", "rules")
        if file.name == "__init__.py"
    }
    assert listed == found
    folders = {file.parent for file in python_files("nnlint", "rules")}
    assert all((folder / "__init__.py").is_file() for folder in folders)


def test_files_that_are_no_python_are_listed() -> None:
    data = PYPROJECT["tool"]["setuptools"]["package-data"]
    listed = {
        ROOT / package.replace("nnlint_rules", "rules") / name for package, names in data.items() for name in names
    }
    found = {
        file
        for folder in ("nnlint", "rules")
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and file.suffix not in (".py", ".pyc")
    }
    assert listed == found


def test_rules_import_the_vocabulary_and_torch_and_nothing_else() -> None:
    allowed = {"nnlint.rule", "nnlint.finding", "nnlint.graph", "nnlint.kinds", "nnlint.recipe", "nnlint.site"}
    allowed |= {
        "nnlint.algorithms",
        "nnlint.structure",
        "nnlint.edits",
        "nnlint.edits.usage",
        "torch",
        "torch.nn",
        "torch.utils.data",
    }
    allowed |= {f"nnlint.{name}" for name in ("batches", "inplace", "maps", "memory", "stale")}
    allowed |= {"nnlint.edits.source", "torch.nn.functional"} | set(sys.stdlib_module_names) | {"collections.abc"}
    for file in python_files("rules"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        # the scripts that the examples of recipe rules are import what scripts import
        tree.body = [node for node in tree.body if not _is_example(node)]
        assert set(imported(tree)) <= allowed, file


def _is_example(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        ast.unparse(decorator).startswith(("bad(", "good(")) for decorator in node.decorator_list
    )


def test_nobody_imports_rules_by_the_name_of_their_folder() -> None:
    for file in python_files("nnlint", "rules", "tests", "examples", ".ci"):
        if file.is_relative_to(ROOT / "tests" / "scripts"):
            continue  # the scripts of others, where a module may have any name
        assert not [name for name in imports(file) if name == "rules" or name.startswith("rules.")], file
    assert "rules" in PYPROJECT["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]


def test_the_entry_point_leads_to_the_rules() -> None:
    assert PYPROJECT["project"]["entry-points"]["nnlint.rules"] == {"nnlint": "nnlint_rules"}
    files = {file.name for file in (ROOT / "rules").glob("*.py")} - {"__init__.py", "_tips.py", "_measured.py"}
    assert {Path(rule.file).name for rule in list_rules().rules if rule.pack == "nnlint"} == files
    assert files


def test_the_version_is_stated_once_more_and_the_same() -> None:
    assert PYPROJECT["project"]["version"] == nnlint.__version__


def test_torch_is_pinned_for_developers_and_open_for_users() -> None:
    assert "torch==2.13.0" in PYPROJECT["project"]["optional-dependencies"]["dev"]
    assert [name for name in PYPROJECT["project"]["dependencies"] if name.startswith("torch")] == ["torch>=2.6"]


def test_the_top_level_is_kept_small() -> None:
    made = {"build", "dist", "runs", "nnlint.egg-info"}  # by building and running; git ignores them
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - made
    assert names == {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "nnlint", "rules", "tests", "examples"}


@pytest.mark.parametrize("hook", ["nnlint", "nnlint-isolated"])
def test_hooks_call_a_command_there_is(hook: str) -> None:
    text = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    (block,) = [block for block in text.split("- id: ") if block.startswith(f"{hook}\n")]
    assert "entry: nnlint check --force-exclude\n" in block
    assert "require_serial: true" in block
    assert ("language: system" in block) == (hook == "nnlint")


def test_importing_nnlint_imports_no_torch() -> None:
    script = "import sys, nnlint, nnlint.engine, nnlint.testing, nnlint.cli.app; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


def test_the_wheel_holds_what_is_in_the_checkout(tmp_path: Path) -> None:
    """Built from a copy without isolation, so that it needs no network."""
    copy = tmp_path / "copy"
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("nnlint", "rules"):
        shutil.copytree(ROOT / name, copy / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "dist"), str(copy)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    import zipfile

    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = {
        file.relative_to(copy).as_posix() for name in ("nnlint", "rules") for file in (copy / name).rglob("*.*")
    }
    assert names == {
        name.replace("rules/", "nnlint_rules/", 1) if name.startswith("rules/") else name for name in expected
    }

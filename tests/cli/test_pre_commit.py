"""The pre-commit hooks, with the real program in a scratch git repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOOKS = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"
FAULTY = """\
import torch
from torch import nn

net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Dropout(0.2), nn.BatchNorm2d(8), nn.ReLU())
net(torch.rand(2, 3, 32, 32))
"""
CLEAN = FAULTY.replace("nn.Dropout(0.2), ", "")


class Repository:
    """A git repository that runs the hook ``nnlint`` on what is committed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # the program of this very environment, as `language: system` takes the user's
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**os.environ, "PATH": path, "PRE_COMMIT_HOME": str(folder / ".cache"), "HOME": str(folder)}
        self.run("git", "init", "-q", "-b", "main")
        self.run("git", "config", "user.email", "somebody@example.org")
        self.run("git", "config", "user.name", "Somebody")
        hook = next(text for text in HOOKS.read_text().split("- id: ")[1:] if text.startswith("nnlint\n"))
        indented = "\n".join(f"      {line}" for line in f"- id: {hook}".splitlines())
        self.write(".pre-commit-config.yaml", f"repos:\n  - repo: local\n    hooks:\n{indented}\n")
        self.write(".gitignore", ".cache/\n")
        self.run(sys.executable, "-m", "pre_commit", "install")

    def write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(text)
        self.run("git", "add", name)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )

    def commit(self) -> subprocess.CompletedProcess[str]:
        return self.run("git", "commit", "-m", "a change")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    assert shutil.which("git"), "git is needed for the hooks"
    return Repository(tmp_path)


def test_a_clean_commit_passes_and_a_departing_one_fails_with_the_report(repository: Repository) -> None:
    repository.write("nnlint.toml", 'select = ["dropout-before-batch-norm"]\n')
    repository.write("net.py", CLEAN)
    repository.write("plain.py", "print('never run')\n")
    clean = repository.commit()
    assert clean.returncode == 0, clean.stdout + clean.stderr
    repository.write("net.py", FAULTY)
    departing = repository.commit()
    assert departing.returncode == 1
    said = departing.stdout + departing.stderr
    assert "`2` normalises what `1` disturbs" in said
    assert " --> net.py:4:69" in said


def test_what_is_excluded_stays_excluded_although_the_hook_gives_it(repository: Repository) -> None:
    repository.write("nnlint.toml", 'select = ["dropout-before-batch-norm"]\nexclude = ["old/"]\n')
    repository.write("old/net.py", FAULTY)
    commit = repository.commit()
    assert commit.returncode == 0, commit.stdout + commit.stderr


def test_an_environment_without_torch_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(CLEAN)
    # torch is there, but not to be found: as in an environment that pre-commit makes
    code = "import sys; sys.modules['torch'] = None\nfrom nnlint.__main__ import main\nsys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)],
        capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "PRE_COMMIT": "1"},
    )  # fmt: skip
    assert done.returncode == 2
    assert "torch is not installed in this environment" in done.stderr
    assert "use the hook `nnlint` (language: system)" in done.stderr
    assert "Traceback" not in done.stderr

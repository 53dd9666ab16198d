"""``nnlint compare`` as users call it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from nets import NET, PLAIN, write

from nnlint.__main__ import main
from nnlint.cli import comparing
from nnlint.cli.comparing import Asked, _Bar, _progress
from nnlint.compare.text import recipe
from nnlint.train.config import TrainConfig


def nnlint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nnlint", "compare", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, cwd=folder, check=False)


FAST = ("--data", "breast-cancer", "--epochs", "1", "--seeds", "2", "--device", "cpu")


def test_two_networks(tmp_path: Path) -> None:
    write(tmp_path, PLAIN)
    write(tmp_path, NET)
    done = nnlint(tmp_path, "plain.py", "net.py", *FAST, "--optimizer", "sgd", "--json", "all.json")
    assert done.returncode == 0, done.stderr
    assert "recipe: 1 epoch, batches of 64, SGD with momentum, one-cycle" in done.stdout
    assert "Too few seeds: 2 finished pairs" in done.stdout
    assert done.stderr == "report: runs/compare-plain-net-1/report.html\n"
    page = (tmp_path / "runs/compare-plain-net-1/report.html").read_text()
    assert page.lower().startswith("<!doctype html>")
    found = json.loads((tmp_path / "all.json").read_text())
    assert found["comparisons"][0]["effect"]["verdict"] == "too few seeds"
    assert found["comparisons"][0]["a"]["config"]["optimizer"] == "sgd"


def test_a_file_against_itself_mended(tmp_path: Path) -> None:
    write(
        tmp_path,
        NET.replace("torch.relu(self.norm(self.first(x)))", "self.act(self.norm(self.first(x)))").replace(
            "        self.second =", "        self.act = nn.ReLU()\n        self.second ="
        ),
    )
    before = (tmp_path / "net.py").read_bytes()
    done = nnlint(tmp_path, "net.py", "--fix", "relu-not-inplace", *FAST, "--out", "here", "--json", "-", "-q")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "report: here/report.html\n"
    found = json.loads(done.stdout)["comparisons"][0]
    assert found["effect"]["verdict"] == "bit-identical"
    assert found["fixes"] == ["relu-not-inplace"]
    assert "inplace=True" in found["diff"]
    assert (tmp_path / "here/report.html").exists()
    assert (tmp_path / "net.py").read_bytes() == before


def test_nothing_to_compare(tmp_path: Path) -> None:
    write(tmp_path, NET)
    (tmp_path / "empty").mkdir()
    asked = ("--optimizer", "sgd", "--lr", "1e30", "--epochs", "3", "--out", "empty", "--json", "empty/all.json")
    done = nnlint(tmp_path, "net.py", "net.py", *FAST, *asked)
    assert done.returncode == 1, done.stderr
    assert "There is nothing to compare." in done.stdout
    assert "help: the learning rate was 1e+30: give a lower --lr" in done.stdout
    assert "--loss" not in done.stdout
    assert json.loads((tmp_path / "empty/all.json").read_text())["comparisons"][0]["effect"]["deltas"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["net.py"], "needs two networks; one target was given"),
        (["net.py", "gone.py"], "gone.py"),
        (["net.py", "net.py", "--device", "tpu"], "tpu"),
        (["net.py", "net.py", "--speed", "--repro"], "--speed --repro"),
        (["net.py", "net.py", "--ignore", "loss"], "without --fix or --each no rules run"),
        (["net.py", "net.py", "--data", "nothing.csv"], "nothing.csv"),
        (["net.py", "net.py", "--out", "net.py"], "--out net.py"),
        (["net.py", "net.py", "--json", "net.py/all.json"], "net.py/all.json: cannot write: Not a directory"),
        (
            ["net.py", "net.py", "--json", "nowhere/all.json"],
            "nowhere/all.json: cannot write: No such file or directory",
        ),
        (["net.py", "net.py", "--out", "full"], "--out: full holds a report already"),
        (["net.py", "--fix", "--ignore", "foo"], "--ignore: there is no rule or category 'foo'"),
        (["net.py", "relu-not-inplace"], "help: nnlint compare net.py --fix relu-not-inplace"),
    ],
)
def test_wrong_uses(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path, NET)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/report.html").write_text("of another")
    assert main(["compare", *arguments]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err
    assert (tmp_path / "full/report.html").read_text() == "of another"
    assert not (tmp_path / "nowhere").exists()
    assert not list(tmp_path.glob("runs/*"))  # nothing is left of it


def test_what_is_asked_for_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    came: list[tuple[Asked, TrainConfig]] = []

    def run(asked: Asked, config: TrainConfig) -> int:
        came.append((asked, config))
        return 0

    monkeypatch.setattr(comparing, "run", run)
    options = "--task classes --label-smoothing 0.1 --augment shift --augment flip --clip 1 --seed 7 --threads 2"
    assert main(["compare", "a.py", "b.py", *options.split()]) == 0
    ((asked, config),) = came
    assert asked.data.task == "classes"
    assert (config.label_smoothing, config.augment, config.clip) == (0.1, ("shift", "flip"), 1.0)
    assert (config.seed, config.threads) == (7, 2)
    assert "label smoothing 0.1, augmentation: shift, flip, gradients clipped to 1, 2 threads" in recipe(config)


def test_the_help_says_that_unsafe_fixes_count(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--help"]) == 0
    assert "every fix, unsafe ones included" in " ".join(capsys.readouterr().out.split())


def test_the_bar_counts_what_is_done(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    monkeypatch.setenv("COLUMNS", "120")
    with _Bar() as progress:
        progress.begin(4)
        progress.ran(3, 1, "+1.00 points")
        progress.end()
    said = capsys.readouterr()
    assert said.out == ""
    assert "3/4" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.err)
    assert "1 pair, B - A +1.00 points" in said.err


def test_without_a_terminal_there_is_no_bar() -> None:
    with _progress(quiet=False) as progress:
        assert progress is None

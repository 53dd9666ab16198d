"""A run that was stopped goes on to the same bits; what it cannot go on with is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faulty_runs import OPTIONS, command, prepared

from nnlint.__main__ import main

TIMES = {"seconds", "val_seconds"}

pytestmark = pytest.mark.usefixtures("unchanged_process")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    folder = prepared(tmp_path_factory.mktemp("whole"))
    run = command(folder)
    assert run.returncode == 0, run.stderr
    return folder


@pytest.fixture
def copy(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The finished run in a folder of its own, which is the current one."""
    folder = tmp_path / "copy"
    shutil.copytree(whole, folder)
    monkeypatch.chdir(folder)
    return folder


def resumed(*more: str, target: str = "net.py") -> int:
    return main(["train", target, *OPTIONS, "--resume", *more])


def metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run without the times."""
    lines = (folder / "run" / "metrics.jsonl").read_text().splitlines()
    return [{key: value for key, value in json.loads(line).items() if key not in TIMES} for line in lines]


def results(folder: Path) -> dict[str, Any]:
    """What the summary says came of it, without the times."""
    found: dict[str, Any] = json.loads((folder / "run" / "summary.json").read_text())["results"]
    assert found["losses_digest"]
    kept = {key: value for key, value in found.items() if "seconds" not in key}
    kept["epochs"] = [{key: value for key, value in one.items() if key not in TIMES} for one in kept["epochs"]]
    return kept


def assert_same(folder: Path, whole: Path) -> None:
    """The same weights, metrics and losses, bit for bit."""
    for name in ("last.safetensors", "best.safetensors"):
        assert (folder / "run" / name).read_bytes() == (whole / "run" / name).read_bytes(), name
    assert metrics(folder) == metrics(whole)
    assert results(folder) == results(whole)
    assert not list((folder / "run").glob(".*"))


@pytest.mark.parametrize("epochs", [1, 3])
def test_killed_in_the_middle_of_an_epoch(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], epochs: int
) -> None:
    folder = prepared(tmp_path)
    monkeypatch.chdir(folder)
    killed = command(folder, fault=f"SIGKILL,{epochs}")
    assert killed.returncode == -9
    assert len(metrics(folder)) == epochs
    assert not (folder / "run" / "last.safetensors").exists()
    # what a kill may leave beside it: a line and a checkpoint that were half written
    with (folder / "run" / "metrics.jsonl").open("a") as file:
        file.write('{"number": 9, "train_l')
    (folder / "run" / ".checkpoint-000009.pt.1.tmp").write_bytes(b"half")

    assert resumed() == 0
    assert "going on after epoch" in capsys.readouterr().out
    assert_same(folder, whole)


def test_it_goes_on_with_the_options_it_was_begun_with(copy: Path, whole: Path) -> None:
    *_, last = sorted((copy / "run").glob("checkpoint-*.pt"))
    last.unlink()
    assert main(["train", "net.py", "--out", "run", "--resume"]) == 0
    assert_same(copy, whole)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["--batch-size", "64"], "--batch-size was 16 and is 64"),  # what it would be if nothing were given
        (["--speed"], "--speed or --repro: the mode was repro and is speed"),
        (["--data", "digits"], "data: name was data.npz and is digits"),
    ],
)
def test_other_options_are_refused(
    copy: Path, given: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "net.py", "--out", "run", "--resume", *given]) == 2
    assert named in capsys.readouterr().err


def test_a_damaged_last_checkpoint(copy: Path, whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    *_, before, last = sorted((copy / "run").glob("checkpoint-*.pt"))
    content = last.read_bytes()
    last.write_bytes(content[: len(content) // 2])
    (copy / "run" / "last.safetensors").unlink()
    assert resumed() == 0
    said = capsys.readouterr()
    assert f"{last.name} is damaged (it is cut short" in said.err
    assert f"passed over, {before.name} is used" in said.err
    assert f"going on after epoch {int(before.stem[-6:])} of 4" in said.out
    assert_same(copy, whole)


def test_no_sound_checkpoint(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = sorted((copy / "run").glob("checkpoint-*.pt"))
    for path in paths:
        path.write_bytes(b"")
    assert resumed() == 2
    said = capsys.readouterr().err
    assert "no checkpoint in this folder is sound" in said
    assert all(path.name in said for path in paths)
    assert "Traceback" not in said


def test_a_run_that_is_finished(copy: Path, whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert resumed() == 0
    assert "is finished: all 4 epochs are done" in capsys.readouterr().out
    assert_same(copy, whole)


LOADERS = """
import torch
from torch.utils.data import DataLoader, Dataset

class Noisy(Dataset):
    def __init__(self, count):
        self.images = torch.randn(count, 1, 16, 16, generator=torch.Generator().manual_seed(count))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index] + torch.rand(()), index % 3

def loaders():
    return DataLoader(Noisy(64), batch_size=16, shuffle=True), DataLoader(Noisy(30), batch_size=16)
"""


def test_loaders_that_draw_random_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = prepared(tmp_path)
    (folder / "noisy.py").write_text(LOADERS)
    monkeypatch.chdir(folder)
    options = [*OPTIONS[2:6], "--repro", "--device", "cpu", "--data", "noisy.py:loaders"]
    assert main(["train", "net.py", *options, "--out", "whole/run"]) == 0
    monkeypatch.setenv("FAULT", "SIGINT,2")
    assert main(["train", "net.py", *options, "--out", "run"]) == 130
    monkeypatch.delenv("FAULT")
    assert main(["train", "net.py", *options, "--out", "run", "--resume"]) == 0
    assert_same(folder, folder / "whole")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--seed", "7"), "--seed was 0 and is 7"),
        (("--batch-size", "32"), "--batch-size was 16 and is 32"),
        (("--lr", "0.5", "--optimizer", "sgd"), "--optimizer was adamw and is sgd; --lr was 0.003 and is 0.5"),
        (("--epochs", "9"), "--epochs was 4 and is 9: the cycle of the learning rate had that many"),
        (("--data", "digits"), "data: name was data.npz and is digits"),
    ],
)
def test_other_settings_are_refused(
    copy: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    before = {path.name: path.read_bytes() for path in (copy / "run").iterdir()}
    assert resumed(*options) == 2
    said = capsys.readouterr().err
    assert "this run was begun otherwise" in said
    assert message in said
    assert {path.name: path.read_bytes() for path in (copy / "run").iterdir()} == before


def test_other_data_by_the_same_name_are_refused(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = dict(np.load(copy / "data.npz"))
    content["x"] = content["x"] // 2
    np.savez(copy / "data.npz", **content)
    assert resumed() == 2
    assert "data: other values by the same name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("bias=False", "bias=True", "network: parameters was"),
        ("self.head", "self.classifier", "network: its parameters have other names or shapes"),
    ],
)
def test_another_network_is_refused(
    copy: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, message: str
) -> None:
    (copy / "net.py").write_text((copy / "net.py").read_text().replace(before, after))
    assert resumed() == 2
    assert message in capsys.readouterr().err


def test_a_folder_that_holds_no_run(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / "empty").mkdir()
    assert resumed("--out", "empty") == 2
    assert "empty holds no run" in capsys.readouterr().err
    assert resumed("--out", "nowhere") == 2
    assert "nowhere does not exist" in capsys.readouterr().err


def test_a_run_is_not_written_over(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "net.py", *OPTIONS]) == 2
    assert "run holds a run already" in capsys.readouterr().err


def test_a_constant_rate_goes_on_for_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = prepared(tmp_path)
    monkeypatch.chdir(folder)
    options = [*OPTIONS, "--schedule", "constant", "--quiet"]
    assert main(["train", "net.py", *options, "--out", "long"]) == 0
    assert main(["train", "net.py", *options, "--epochs", "2"]) == 0
    assert main(["train", "net.py", *options, "--resume"]) == 0
    for name in ("last.safetensors", "best.safetensors"):
        assert (folder / "run" / name).read_bytes() == (folder / "long" / name).read_bytes()
    assert json.loads((folder / "run" / "summary.json").read_text())["config"]["epochs"] == 4

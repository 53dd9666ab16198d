"""Runs of ``nnlint train`` that fail: what there is gets written, and the message says what happened and where."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from faulty_runs import OPTIONS, command, prepared
from torch import nn

from nnlint.__main__ import main
from nnlint.train.checkpoint import load_last
from nnlint.train.config import TrainConfig
from nnlint.train.data.model import Arrays, Data
from nnlint.train.distributed import ALONE
from nnlint.train.hardware import prepared as hardware_prepared
from nnlint.train.loop import DivergedError, _Training
from nnlint.train.objective import objective_for
from nnlint.train.watch import Watch

pytestmark = pytest.mark.usefixtures("unchanged_process")

#: a process that may write files up to so many bytes, as on a disk that is nearly full
LIMITED = """
import resource, sys
from nnlint.__main__ import main
size = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
sys.exit(main())
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network and its data, in the current folder."""
    monkeypatch.chdir(prepared(tmp_path))
    return tmp_path


def trained(*more: str) -> int:
    return main(["train", "net.py", *OPTIONS, *more])


def epochs(folder: Path) -> list[int]:
    return [json.loads(line)["number"] for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()]


def summary(folder: Path) -> dict[str, Any]:
    """The summary, which is valid JSON: NaN is none."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = (folder / "run" / "summary.json").read_text()
    found: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return found


def assert_written(folder: Path, ending: str, done: int) -> None:
    """Metrics, summary, page and checkpoint of the epochs that were done."""
    assert epochs(folder) == list(range(1, done + 1))
    found = summary(folder)
    assert found["ending"] == ending
    assert len(found["results"]["epochs"]) == done
    assert found["results"]["final"] == {}
    assert "<svg" in (folder / "run" / "report.html").read_text() or done < 1
    assert load_last(folder / "run")[0]["epoch"] >= 1
    assert not list((folder / "run").glob(".*"))


@pytest.mark.parametrize("kind", ["SIGINT", "SIGTERM"])
def test_stopped_by_a_signal(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    monkeypatch.setenv("FAULT", f"{kind},2")
    assert trained() == 130
    assert_written(folder, "interrupted", 2)
    assert (folder / "run" / "last.safetensors").exists()
    assert "interrupted: stopped by the user in epoch 3" in capsys.readouterr().err

    monkeypatch.delenv("FAULT")
    assert trained("--resume") == 0
    assert epochs(folder) == [1, 2, 3, 4]
    assert summary(folder)["ending"] == "finished"


def test_stopped_in_a_process_of_its_own(folder: Path) -> None:
    run = command(folder, fault="SIGINT,1")
    assert run.returncode == 130, run.stderr
    assert "Traceback" not in run.stderr
    assert_written(folder, "interrupted", 1)


def test_stopped_while_a_checkpoint_is_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = torch.save

    def stopped(content: Any, file: Any) -> None:
        real(content, file)
        if content["state"]["epoch"] == 4:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(torch, "save", stopped)
    assert trained() == 130
    assert epochs(folder) == [1, 2, 3, 4]
    assert summary(folder)["ending"] == "interrupted"
    assert load_last(folder / "run")[0]["epoch"] < 4
    assert not list((folder / "run").glob(".*"))
    monkeypatch.setattr(torch, "save", real)
    assert trained("--resume") == 0
    assert epochs(folder) == [1, 2, 3, 4]
    assert summary(folder)["ending"] == "finished"


def test_stopped_before_the_first_epoch_was_done(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAULT", "SIGINT,0")
    assert trained() == 130
    assert summary(folder)["ending"] == "interrupted"
    monkeypatch.delenv("FAULT")
    assert trained("--resume") == 2
    assert "no checkpoint is in this folder" in capsys.readouterr().err


def test_a_logarithm_of_negative_numbers(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAULT", "log,2")
    assert trained() == 1
    assert_written(folder, "diverged", 2)
    said = capsys.readouterr().err
    # 67 training images of a batch of 16 are 5 steps an epoch
    assert "diverged: the loss of step 13 (epoch 3) is nan: NaN first appears in the output of `log` in" in said
    assert "(Net), given finite numbers: the logarithm of zero or less" in said
    assert summary(folder)["reason"] in said


def test_a_learning_rate_that_is_too_high(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trained("--lr", "1e20", "--optimizer", "sgd", "--schedule", "constant") == 1
    assert not (folder / "run" / "metrics.jsonl").exists()
    said = capsys.readouterr().err
    assert "diverged: the loss of step 2 (epoch 1) is nan: infinite numbers first appear in the output of" in said
    assert "with weights as large as " in said
    assert "the learning rate is too high" in said
    assert summary(folder)["ending"] == "diverged"


def test_the_network_raises(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FAULT", "raise,2")
    assert trained() == 1
    assert_written(folder, "failed", 2)
    assert "failed: step 13: ValueError: the third step is one too many" in capsys.readouterr().err


class FullDisk(io.BufferedWriter):
    """A file on a disk that has room for so many bytes."""

    room = 1000

    def write(self, data: Any) -> int:
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


def test_a_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    real = Path.open

    def opened(path: Path, *args: Any, **kwargs: Any) -> Any:
        full = path.name.startswith(".checkpoint-") and not path.name.startswith(".checkpoint-000001")
        return FullDisk(io.FileIO(path, "wb")) if full else real(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", opened)
    assert trained() == 2
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    said = capsys.readouterr().err
    assert "no space is left on the disk; the previous checkpoint, checkpoint-000001.pt, is kept" in said
    assert "help: make room on the disk" in said
    assert load_last(folder / "run")[0]["epoch"] == 1
    assert not list((folder / "run").glob(".*"))

    assert trained("--resume") == 0  # there is room again
    assert epochs(folder) == [1, 2, 3, 4]


def test_a_file_that_may_not_grow(folder: Path) -> None:
    assert trained("--epochs", "1", "--out", "sized") == 0
    size = (folder / "sized" / "checkpoint-000001.pt").stat().st_size
    run = command(folder, program=("-c", LIMITED, str(size)))
    assert run.returncode == 2, run.stderr
    assert (
        "the file would be larger than this process may write; the previous checkpoint, checkpoint-0000" in run.stderr
    )
    assert "Traceback" not in run.stderr
    assert load_last(folder / "run")[1] == ()
    assert not list((folder / "run").glob(".*"))


def test_a_full_disk_for_the_metrics(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = Path.open

    def opened(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if path.name == "metrics.jsonl" and "a" in mode:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", opened)
    assert trained() == 2
    assert "cannot write metrics.jsonl: no space is left on the disk" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "file").write_text("")
    assert trained("--out", "file") == 2
    assert trained("--out", "file/below") == 2
    said = capsys.readouterr().err
    assert "file is a file" in said
    assert "its folder is a file" in said


def test_a_loss_that_is_read_too_late_to_say_where_it_began() -> None:
    """As on a GPU, which is asked for many losses at once."""
    inputs, targets = torch.zeros(4, 2), torch.tensor([0, 1, 2, 0])
    arrays = Arrays(inputs, targets)
    data = Data("x", "made up", "classes", (2,), 3, arrays, arrays)
    objective = objective_for(data, "scores", 3)
    with hardware_prepared(TrainConfig(), image_like=False) as hardware:
        training = _Training(nn.Linear(2, 3), data, objective, TrainConfig(), Watch(), hardware, ALONE)
        training.losses, training.step, training.epoch = [1.0] * 10, 13, 2
        training.unread = [torch.tensor(1.0), torch.tensor(float("nan")), torch.tensor(float("nan"))]
        with pytest.raises(DivergedError, match=r"the loss of step 12 \(epoch 3\) is nan: noticed 2 steps later, when"):
            training._read_losses(inputs, targets)
        training.losses, training.step = [1.0] * 10, 11
        training.unread = [torch.tensor(1.0), torch.tensor(float("nan"))]
        with pytest.raises(DivergedError, match=r"the loss of step 12 \(epoch 3\) is nan: it is finite when"):
            training._read_losses(inputs, targets)

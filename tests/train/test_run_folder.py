"""The folder of a run: numbered without races, metrics that survive a kill, a summary that is valid JSON."""

from __future__ import annotations

import errno
import json
import math
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from nnlint.errors import NnlintError, UsageError
from nnlint.train.atomic import WriteError
from nnlint.train.config import TrainConfig
from nnlint.train.data.model import Arrays, Data
from nnlint.train.log import METRICS, RunFolder, jsonable
from nnlint.train.objective import Objective, objective_for
from nnlint.train.results import Epoch, Trained
from nnlint.train.summary import check_same, summary_of

CONFIG = TrainConfig(epochs=3, augment=("shift",))
NETWORK = {"target": "net.py", "name": "Net", "outputs": 3, "parameters": 12}


def epoch(number: int, loss: float = 0.5) -> Epoch:
    return Epoch(number, loss, loss / 3, {"accuracy": 0.1 * number}, 1e-3, 0.1, 0.2, 64)


def data(shift: float = 0.0) -> Data:
    arrays = Arrays(torch.zeros(4, 2) + shift, torch.tensor([0, 1, 2, 0]))
    mean = arrays.inputs.mean(0)
    return Data("x.npz", "a file", "classes", (2,), 3, arrays, arrays, classes=("a", "b", "ü"), mean=mean, std=mean)


def objective() -> Objective:
    return objective_for(data(), "scores", 3)


def trained() -> Trained:
    return Trained(
        ending="diverged",
        epochs=(epoch(1), epoch(2, math.nan)),
        metric="accuracy",
        final={},
        judged_on="val",
        best_epoch=1,
        first_loss=math.inf,
        expected_first_loss=math.log(3),
        baseline=0.5,
        steps=12,
        losses_digest="00",
        state_digest="11",
        seconds=1.0,
        settled_seconds=0.5,
        reason="the loss is NaN",
        facts={"torch": "2"},
    )


def test_runs_are_numbered(tmp_path: Path) -> None:
    folders = [RunFolder.new("Net", root=tmp_path / "runs") for _ in range(3)]
    assert [folder.path.name for folder in folders] == ["Net-1", "Net-2", "Net-3"]
    (tmp_path / "runs" / "Net-10").mkdir()
    (tmp_path / "runs" / "Net-old-77").mkdir()
    made = RunFolder.new("Net", root=tmp_path / "runs")
    assert made.path.name == "Net-11"
    folders[1].append(epoch(1))
    assert RunFolder.last("Net", root=tmp_path / "runs").path.name == "Net-2"  # the others are empty
    made.append(epoch(1))
    assert RunFolder.last("Net", root=tmp_path / "runs").path.name == "Net-11"


def test_an_empty_folder_is_taken_away_again(tmp_path: Path) -> None:
    empty, used = (RunFolder.new("Net", root=tmp_path) for _ in range(2))
    used.append(epoch(1))
    empty.remove_if_empty()
    used.remove_if_empty()
    assert [path.name for path in tmp_path.iterdir()] == ["Net-2"]


@pytest.mark.parametrize(
    ("name", "folder"), [("a/b:Net(10)", "a-b-Net-10-1"), ("../..", "run-1"), ("Größe", "Größe-1")]
)
def test_names_become_names_of_folders(tmp_path: Path, name: str, folder: str) -> None:
    made = RunFolder.new(name, root=tmp_path)
    assert made.path == tmp_path / folder
    made.append(epoch(1))
    assert RunFolder.last(name, root=tmp_path) == made


def test_two_runs_that_start_together_get_two_folders(tmp_path: Path) -> None:
    found: list[Path] = []
    start = threading.Barrier(8)

    def make() -> None:
        start.wait()
        found.append(RunFolder.new("net", root=tmp_path).path)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 8


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    for name in ("train_x.npy", "train_y.npy", "val_x.npy", "val_y.npy"):
        (tmp_path / name).touch()
    with pytest.raises(UsageError, match=r"holds other files \(train_x.npy, train_y.npy, val_x.npy and 1 more\)"):
        RunFolder.new("Net", tmp_path)


def test_a_folder_that_is_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b"
    folder = RunFolder.new("Net", out)
    assert folder.path == out
    assert RunFolder.new("Net", out).path == out  # empty still
    folder.append(epoch(1))
    with pytest.raises(UsageError, match="holds a run already"):
        RunFolder.new("Net", out)
    assert RunFolder.last("Net", out).path == out


def test_folders_that_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(UsageError, match="is a file"):
        RunFolder.new("Net", file)
    with pytest.raises(WriteError, match="its folder is a file"):
        RunFolder.new("Net", file / "below")
    with pytest.raises(UsageError, match="does not exist"):
        RunFolder.last("Net", tmp_path / "nowhere")
    with pytest.raises(UsageError, match="holds no run"):
        RunFolder.last("Net", tmp_path)
    with pytest.raises(UsageError, match=r"no run .*Net-… is here"):
        RunFolder.last("Net", root=tmp_path)

    def refused(*_args: object, **_kwargs: object) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(WriteError, match="may not be written to"):
        RunFolder.new("Net", tmp_path / "out")


def test_metrics_are_a_line_an_epoch(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.append(epoch(1))
    folder.append(epoch(2, math.nan))
    first, second = (json.loads(line) for line in (tmp_path / METRICS).read_text().splitlines())
    assert first["number"] == 1
    assert first["metrics"] == {"accuracy": 0.1}
    assert second["train_loss"] is None
    assert folder.metrics() == [first, second]


def test_a_half_written_line_is_dropped(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for number in (1, 2, 3):
        folder.append(epoch(number))
    path = tmp_path / METRICS
    path.write_bytes(path.read_bytes()[:-20])
    (tmp_path / ".summary.json.7.tmp").write_text("half")
    assert [line["number"] for line in folder.metrics()] == [1, 2]
    folder.go_on([epoch(1), epoch(2)])
    folder.append(epoch(3))
    assert [line["number"] for line in folder.metrics()] == [1, 2, 3]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [METRICS]


def test_epochs_after_the_checkpoint_are_dropped(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for number in (1, 2, 3):
        folder.append(epoch(number))
    before = (tmp_path / METRICS).read_text()
    folder.go_on([epoch(1)])
    assert (tmp_path / METRICS).read_text() == before.splitlines(keepends=True)[0]


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder(tmp_path)
    folder.append(epoch(1))
    before = (tmp_path / METRICS).read_text()
    real = Path.open

    class Half:
        def __init__(self, path: Path) -> None:
            self.file = real(path, "ab", buffering=0)
            self.tell, self.room = self.file.tell, 30

        def __enter__(self) -> Half:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, line: bytes) -> int:
            if not self.room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written, self.room = self.file.write(line[: self.room]), 0
            return written

    monkeypatch.setattr(Path, "open", lambda path, *_, **__: Half(path))
    with pytest.raises(WriteError, match=r"cannot write metrics\.jsonl: no space is left"):
        folder.append(epoch(2))
    monkeypatch.undo()
    assert (tmp_path / METRICS).read_text() == before


def test_metrics_that_cannot_be_opened_are_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder(tmp_path)
    folder.append(epoch(1))
    before = (tmp_path / METRICS).read_text()

    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(WriteError, match="Too many open files"):
        folder.append(epoch(2))
    monkeypatch.undo()
    assert (tmp_path / METRICS).read_text() == before


def test_the_others_write_nothing(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, writes=False)
    folder.append(epoch(1))
    folder.go_on([epoch(1)])
    folder.write_summary({})
    assert not list(tmp_path.iterdir())


def test_the_summary_is_valid_json(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_summary(summary_of(CONFIG, data(), objective(), NETWORK, trained()))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    found = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert found == folder.summary()
    assert found["ending"] == "diverged"
    assert found["config"]["lr"] == 3e-3
    assert found["data"]["classes"] == ["a", "b", "ü"]
    assert found["results"]["first_loss"] is None
    assert found["results"]["epochs"][1]["train_loss"] is None
    assert found["versions"]["torch"] == torch.__version__


def test_a_summary_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(NnlintError, match="cannot read the summary"):
        RunFolder(tmp_path).summary()
    (tmp_path / "summary.json").write_text("[1]")
    with pytest.raises(NnlintError, match="is no summary"):
        RunFolder(tmp_path).summary()


def test_all_sorts_of_values_become_json() -> None:
    odd = {1: (torch.tensor([1.0, math.nan]), {"a"}), "path": Path("x"), "flag": True, "none": None, "x": -math.inf}
    assert jsonable(odd) == {"1": [[1.0, None], ["a"]], "path": "x", "flag": True, "none": None, "x": None}


def begun(tmp_path: Path, config: TrainConfig = CONFIG) -> dict[str, object]:
    folder = RunFolder(tmp_path)
    folder.write_summary(summary_of(config, data(), objective(), NETWORK))
    return folder.summary()


def test_the_same_run_may_go_on(tmp_path: Path) -> None:
    before = begun(tmp_path)
    check_same(before, CONFIG, data(), objective(), NETWORK)
    check_same(before, replace(CONFIG, lr=3e-3, threads=1, device="cpu", workers=2), data(), objective(), NETWORK)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 1.0}, r"--lr was 0\.003 and is 1\.0"),
        ({"augment": ()}, "--augment was shift and is not given"),
        ({"seed": 3}, "--seed was 0 and is 3"),
        ({"epochs": 5}, "--epochs was 3 and is 5: the cycle of the learning rate"),
        ({"optimizer": "sgd"}, "--optimizer was adamw and is sgd; --lr was"),
    ],
)
def test_another_recipe_is_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_same(begun(tmp_path), replace(CONFIG, **change), data(), objective(), NETWORK)  # type: ignore[arg-type]


def test_a_constant_rate_can_go_on_for_longer(tmp_path: Path) -> None:
    config = replace(CONFIG, schedule="constant")
    check_same(begun(tmp_path, config), replace(config, epochs=9), data(), objective(), NETWORK)


def test_other_data_or_another_network_are_refused(tmp_path: Path) -> None:
    before = begun(tmp_path)
    with pytest.raises(UsageError, match="data: other values by the same name"):
        check_same(before, CONFIG, data(1.0), objective(), NETWORK)
    with pytest.raises(UsageError, match="data: classes was a, b, ü and is a, b, c"):
        check_same(before, CONFIG, replace(data(), classes=("a", "b", "c")), objective(), NETWORK)
    with pytest.raises(UsageError, match="network: parameters was 12 and is 13"):
        check_same(before, CONFIG, data(), objective(), {**NETWORK, "parameters": 13})

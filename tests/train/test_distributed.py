"""Several processes that train one network: real ones, started by torchrun and connected by gloo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import nn
from two_processes import network, trained

from nnlint.__main__ import main
from nnlint.errors import UsageError
from nnlint.train.distributed import ALONE, ToldElsewhereError, World, joined, synchronised, wrapped

SCRIPT = Path(__file__).with_name("two_processes.py")


def torchrun(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Two processes on this machine."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment, cwd=cwd)


def seen_by(folder: Path) -> list[dict[str, Any]]:
    """What each of the two processes wrote."""
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("two")
    run = torchrun(str(SCRIPT), str(folder))
    assert run.returncode == 0, run.stderr
    return seen_by(folder)


def test_each_process_knows_its_place(seen: list[dict[str, Any]]) -> None:
    assert [one["world"] for one in seen] == [[0, 2, 0, True], [1, 2, 1, False]]


def test_sums_and_means_are_over_all_and_the_same_in_each(seen: list[dict[str, Any]]) -> None:
    tenth = float(torch.tensor(0.1).double())
    for one in seen:
        assert one["sum"] == [3.0, 2 * tenth]
        assert one["mean"] == [1.5, tenth]
        assert one["counted"] == [1, 0]


@pytest.mark.parametrize("kind", ["arrays", "stream"])
def test_two_processes_learn_what_one_does_at_the_same_global_batch(seen: list[dict[str, Any]], kind: str) -> None:
    alone = trained(network(), kind, clip=1.0)
    for one in seen:
        two = one[kind]
        assert two["ending"] == "finished"
        assert two["steps"] == alone.steps == 21
        for epoch, expected in zip(two["epochs"], alone.epochs, strict=True):
            # the same sums in another order: float32 keeps seven digits, and the steps let it grow
            assert epoch["train_loss"] == pytest.approx(expected.train_loss, rel=1e-5)
            assert epoch["val_loss"] == pytest.approx(expected.val_loss, rel=1e-5)
            assert epoch["metrics"] == expected.metrics
            assert epoch["samples"] == expected.samples == 53
        assert two["first_loss"] == pytest.approx(alone.first_loss, rel=1e-6)


@pytest.mark.parametrize("what", ["arrays", "stream", "loaders", "few", "norm", "repro"])
def test_all_processes_end_with_the_same_weights_buffers_and_losses(seen: list[dict[str, Any]], what: str) -> None:
    first, second = (one[what] for one in seen)
    assert first["state_digest"] == second["state_digest"]
    assert first["losses_digest"] == second["losses_digest"]
    assert [epoch["val_loss"] for epoch in first["epochs"]] == [epoch["val_loss"] for epoch in second["epochs"]]


def test_samples_that_a_sampler_repeats_are_judged_by_once(seen: list[dict[str, Any]]) -> None:
    for one in seen:
        last = one["loaders"]["epochs"][-1]
        assert last["val_loss"] == pytest.approx(one["loaders"]["loss"], rel=1e-6)
        assert last["metrics"]["accuracy"] == pytest.approx(one["loaders"]["right"], rel=1e-12)


def test_a_process_may_have_nothing_to_judge(seen: list[dict[str, Any]]) -> None:
    for one in seen:
        assert one["few"]["ending"] == "finished"
        assert one["few"]["epochs"][-1]["metrics"]["accuracy"] in (0.0, 1.0)


def test_a_distributed_sampler_is_told_the_epoch(seen: list[dict[str, Any]]) -> None:
    assert [one["loaders"]["epoch"] for one in seen] == [2, 2]


def test_a_loader_that_hands_every_process_the_same_is_an_error(seen: list[dict[str, Any]]) -> None:
    for one in seen:
        assert "the training loader hands every process the same samples" in one["undivided"]


def test_the_error_of_one_process_ends_the_run_within_seconds(tmp_path: Path) -> None:
    started = time.monotonic()
    run = torchrun(str(SCRIPT), str(tmp_path), "fails")
    assert run.returncode != 0
    assert "process 1, step 4: ValueError: a bug in process 1" in run.stderr
    assert not list(tmp_path.iterdir())
    assert time.monotonic() - started < 60


def test_a_loss_that_is_no_number_in_one_process_stops_all_at_the_same_step(seen: list[dict[str, Any]]) -> None:
    for one in seen:
        assert one["diverging"]["ending"] == "diverged"
        assert "step 4 (epoch 1) is nan" in one["diverging"]["reason"]


PLAIN = """
from torch import nn

class Plain(nn.Module):
    def __init__(self, classes: int = 2):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, classes))

    def forward(self, x):
        return self.layers(x)
"""


def test_the_command_in_two_processes_writes_once_what_it_writes_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain.py").write_text(PLAIN)
    asked = ["train", "plain.py", "--data", "breast-cancer", "--epochs", "2", "--device", "cpu", "--threads", "1"]
    run = torchrun("-m", "nnlint", *asked, "--out", "two")
    assert run.returncode == 0, run.stderr
    assert main([*asked, "--out", "one"]) == 0
    assert sorted(path.name for path in Path("two").iterdir()) == sorted(path.name for path in Path("one").iterdir())
    one, two = (
        [json.loads(line) for line in Path(f, "metrics.jsonl").read_text().splitlines()] for f in ("one", "two")
    )
    for expected, epoch in zip(one, two, strict=True):
        assert epoch["train_loss"] == pytest.approx(expected["train_loss"], rel=1e-5)
        assert epoch["val_loss"] == pytest.approx(expected["val_loss"], rel=1e-5)
        assert epoch["metrics"] == expected["metrics"]
    assert "2 processes: 32 samples each, 64 a step together." in run.stdout
    assert run.stdout.count("test: accuracy") == 1


def test_two_processes_go_on_to_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # dropout draws other numbers in each process; batch norm sees other samples
    Path("net.py").write_text(PLAIN.replace("nn.ReLU()", "nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3)"))
    asked = ["train", "net.py", "--data", "breast-cancer", "--epochs", "3", "--device", "cpu", "--threads", "1"]
    run = torchrun("-m", "nnlint", *asked, "--out", "run")
    assert run.returncode == 0, run.stderr
    weights, losses = Path("run/last.safetensors").read_bytes(), Path("run/metrics.jsonl").read_text()

    Path("run/checkpoint-000003.pt").unlink()
    again = torchrun("-m", "nnlint", *asked, "--out", "run", "--resume")
    assert again.returncode == 0, again.stderr
    assert "going on after epoch" in again.stdout
    assert Path("run/last.safetensors").read_bytes() == weights
    one, two = (
        [json.loads(line)["train_loss"] for line in text.splitlines()]
        for text in (losses, Path("run/metrics.jsonl").read_text())
    )
    assert one == two


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--out", "held"), "nnlint: error: --out: held holds a run already"),
        (
            ("--batch-size", "65", "--out", "new"),
            "nnlint: error: --batch-size: a batch of 65 samples cannot be divided",
        ),
    ],
)
def test_a_wrong_use_is_told_once(
    wrong: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain.py").write_text(PLAIN)
    Path("held").mkdir()
    Path("held/metrics.jsonl").write_text("")
    run = torchrun("-m", "nnlint", "train", "plain.py", "--data", "breast-cancer", "--device", "cpu", *wrong)
    assert run.returncode != 0
    assert run.stderr.count("nnlint: error") == 1
    assert said in run.stderr
    assert "internal error" not in run.stderr
    # what was refused left no run behind it
    assert [path.name for path in Path().glob("*/*")] == ["metrics.jsonl"]


def test_other_processes_that_take_other_steps_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain.py").write_text(PLAIN)
    asked = ["train", "plain.py", "--data", "breast-cancer", "--schedule", "constant", "--device", "cpu"]
    # two samples are left over: too few for two processes, enough for one
    asked += ["--batch-size", "66", "--out", "run"]
    run = torchrun("-m", "nnlint", *asked, "--epochs", "1")
    assert run.returncode == 0, run.stderr
    before = {path.name: path.read_bytes() for path in Path("run").iterdir()}
    assert main([*asked, "--epochs", "3", "--resume"]) == 2
    said = capsys.readouterr().err
    assert "--resume: an epoch of this run had 6 steps, and has 7 now" in said
    assert "it was begun by 2 processes, and goes on by 1: start as many as then" in said
    assert {path.name: path.read_bytes() for path in Path("run").iterdir()} == before


# ------------------------------------------------------------------------------------------------- in one process


@pytest.fixture
def second_of_two(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment of torchrun's second process, on a machine that says it has two GPUs."""
    given = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1", "MASTER_ADDR": "localhost"}
    for name, value in {**given, "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    return monkeypatch


class Group:
    """What is done to the process group, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        monkeypatch.setattr(torch.cuda, "set_device", lambda device: self.done.append(str(device)))
        monkeypatch.setattr(dist, "init_process_group", lambda backend, **_options: self.done.append(backend))
        monkeypatch.setattr(dist, "destroy_process_group", lambda: self.done.append("closed"))
        monkeypatch.setattr(dist.distributed_c10d, "_abort_process_group", lambda: self.done.append("given up"))


def test_a_group_is_closed_where_all_went_well(second_of_two: pytest.MonkeyPatch) -> None:
    group = Group(second_of_two)
    with joined("cuda"):
        pass
    assert group.done == ["cuda:1", "nccl", "closed"]


def test_an_error_is_not_kept_waiting_by_nccl(second_of_two: pytest.MonkeyPatch) -> None:
    group = Group(second_of_two)
    with pytest.raises(ZeroDivisionError), joined("cuda"):
        raise ZeroDivisionError
    assert group.done == ["cuda:1", "nccl", "given up"]


def test_an_error_comes_through_whatever_giving_up_does(second_of_two: pytest.MonkeyPatch) -> None:
    group = Group(second_of_two)

    def fails() -> None:
        raise RuntimeError("NCCL")

    second_of_two.setattr(dist.distributed_c10d, "_abort_process_group", fails)
    with pytest.raises(ZeroDivisionError), joined("cuda"):
        raise ZeroDivisionError
    second_of_two.delattr(dist.distributed_c10d, "_abort_process_group")
    with pytest.raises(ZeroDivisionError), joined("cuda"):
        raise ZeroDivisionError
    assert group.done == ["cuda:1", "nccl"] * 2


def test_gloo_is_closed_after_an_error_too(second_of_two: pytest.MonkeyPatch) -> None:
    group = Group(second_of_two)
    with pytest.raises(ZeroDivisionError), joined("cpu"):
        raise ZeroDivisionError
    assert group.done == ["gloo", "closed"]


@pytest.mark.parametrize(
    ("device", "here", "message"),
    [
        ("cuda:0", "2", "cuda:0 is one GPU, and 2 processes need one each"),
        ("cuda:1", "2", "cuda:1 is one GPU, and 2 processes need one each"),
        ("cuda", "3", r"there is no device cuda:2; there is cuda \(2 of them\), cpu"),
    ],
)
def test_each_process_needs_a_gpu_of_its_own_and_the_first_says_so(
    device: str, here: str, message: str, second_of_two: pytest.MonkeyPatch
) -> None:
    second_of_two.setenv("LOCAL_WORLD_SIZE", here)
    with pytest.raises(ToldElsewhereError, match=message), joined(device):
        pass
    second_of_two.setenv("LOCAL_RANK", "0")
    with pytest.raises(UsageError, match=message), joined(device):
        pass


def test_one_process_on_each_machine_may_choose_its_gpu(second_of_two: pytest.MonkeyPatch) -> None:
    group = Group(second_of_two)
    second_of_two.setenv("LOCAL_WORLD_SIZE", "1")
    second_of_two.setenv("LOCAL_RANK", "0")
    with joined("cuda:1"):
        pass
    assert group.done[0] == "cuda:1"


def test_without_torchrun_a_training_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined() as world:
        assert world is ALONE
    assert world.sum(torch.tensor([0.1])).item() == float(torch.tensor(0.1).double())
    assert world.says(64) == ""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"WORLD_SIZE": "2", "RANK": "0"}, "WORLD_SIZE is 2, but LOCAL_RANK, MASTER_ADDR, MASTER_PORT is not set"),
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two', no number"),
    ],
)
def test_an_incomplete_environment_is_an_error(
    given: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=message), joined():
        pass


def test_a_batch_that_cannot_be_divided_is_an_error_with_one_that_can() -> None:
    assert World(0, 4).share(64) == 16
    assert "4 processes: 16 samples each, 64 a step together" in World(0, 4).says(64)
    with pytest.raises(UsageError, match="a batch of 66 samples cannot be divided equally among 4") as caught:
        World(0, 4).share(66)
    assert "try 64" in str(caught.value)


@pytest.mark.parametrize("size", [2, 3])
def test_parts_cover_everything_once(size: int) -> None:
    parts = [World(rank, size).part(torch.arange(10)) for rank in range(size)]
    assert sorted(torch.cat(parts).tolist()) == list(range(10))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_one_process_trains_the_network_itself() -> None:
    net = nn.Linear(2, 2)
    assert wrapped(net, ALONE, torch.device("cpu")) is net


def test_synchronised_batch_norm_needs_cuda() -> None:
    with pytest.raises(UsageError, match="cannot be synchronised on cpu: torch has it for CUDA alone"):
        synchronised(nn.BatchNorm1d(2), World(0, 2), torch.device("cpu"))

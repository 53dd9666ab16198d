"""Checkpoints: what is written comes back, damage is noticed, and a failed write leaves what was there."""

from __future__ import annotations

import enum
import errno
import io
import os
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nnlint.train import atomic
from nnlint.train.atomic import WriteError
from nnlint.train.checkpoint import (
    FORMAT,
    CheckpointError,
    checkpoints,
    digest,
    load_last,
    load_weights,
    read,
    save,
    save_weights,
)


class Colour(str, enum.Enum):  # noqa: UP042 (older than `StrEnum`, and it prints otherwise)
    RED = "red"


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 4)
        self.head = nn.Linear(4, 11, bias=False)
        self.head.weight = self.embedding.weight


class WithExtraState(nn.Linear):
    def get_extra_state(self) -> dict[str, int]:
        return {"seen": 3}

    def set_extra_state(self, state: Any) -> None:
        self.seen = state["seen"]


def trained() -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Dropout(0.5))
    optimizer = torch.optim.AdamW(net.parameters())
    net(torch.randn(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    return net, optimizer


def state(epoch: int) -> dict[str, Any]:
    net, optimizer = trained()
    return {
        "epoch": epoch,
        "net": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "rng": {"torch": torch.get_rng_state(), "position": (1, 2**63)},
        "history": [{"loss": float("nan"), "name": "ü", "best": None, "fine": True}],
    }


def flipped(path: Path, needle: bytes) -> None:
    """Change one bit of a file, inside the bytes looked for."""
    content = bytearray(path.read_bytes())
    place = content.find(needle)
    assert place >= 0
    content[place + len(needle) // 2] ^= 1
    path.write_bytes(content)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    written = state(3)
    save(tmp_path, written)
    loaded, notes = load_last(tmp_path)
    assert notes == ()
    assert digest(loaded) == digest(written)
    assert str(loaded["history"]) == str(written["history"])
    assert loaded["net"]._metadata["1"] == {"version": 2}
    net, optimizer = trained()
    net.load_state_dict(loaded["net"])
    optimizer.load_state_dict(loaded["optimizer"])
    assert torch.equal(net.state_dict()["1.running_mean"], written["net"]["1.running_mean"])
    assert torch.equal(optimizer.state_dict()["state"][0]["exp_avg"], written["optimizer"]["state"][0]["exp_avg"])


def test_the_file_is_read_without_running_code(tmp_path: Path) -> None:
    path = save(tmp_path, state(1))
    assert torch.load(path, weights_only=True)["state"]["epoch"] == 1


def test_two_stay_and_older_ones_go(tmp_path: Path) -> None:
    for epoch in range(1, 5):
        save(tmp_path, state(epoch))
    assert names(tmp_path) == ["checkpoint-000003.pt", "checkpoint-000004.pt"]
    save(tmp_path, state(5), keep=1)
    assert names(tmp_path) == ["checkpoint-000005.pt"]


def test_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-best.pt").write_text("")
    for epoch in range(1, 5):
        save(tmp_path, state(epoch), keep=1)
    assert names(tmp_path) == ["checkpoint-000004.pt", "checkpoint-best.pt"]


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_a_file_that_is_cut_short_is_passed_over(tmp_path: Path, kept: float) -> None:
    save(tmp_path, state(1))
    path = save(tmp_path, state(2))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    loaded, notes = load_last(tmp_path)
    assert loaded["epoch"] == 1
    (note,) = notes
    assert note.startswith("checkpoint-000002.pt is damaged (it is cut short")
    assert note.endswith("checkpoint-000001.pt is used")


def test_one_changed_bit_is_noticed(tmp_path: Path) -> None:
    save(tmp_path, state(1))
    written = state(2)
    path = save(tmp_path, written)
    flipped(path, written["net"]["0.weight"].numpy().tobytes())
    loaded, notes = load_last(tmp_path)
    assert loaded["epoch"] == 1
    assert "checksum" in notes[0]


def test_every_changed_byte_is_noticed_or_changes_nothing(tmp_path: Path) -> None:
    whole = {"epoch": 1, "net": {"w": torch.arange(4.0)}, "lr": 0.1, "name": "net"}
    path = save(tmp_path, whole)
    content = path.read_bytes()
    noticed = 0
    for place in range(0, len(content), 3):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        try:
            loaded = read(path)
        except CheckpointError:
            noticed += 1
        else:
            assert digest(loaded) == digest(whole), place
    assert noticed > 50


def test_an_epoch_done_again_replaces_its_damaged_file(tmp_path: Path) -> None:
    for epoch in (1, 2, 3):
        path = save(tmp_path, state(epoch))
    path.write_bytes(b"")
    assert load_last(tmp_path)[0]["epoch"] == 2
    save(tmp_path, state(3))
    assert load_last(tmp_path)[0]["epoch"] == 3
    assert names(tmp_path) == ["checkpoint-000002.pt", "checkpoint-000003.pt"]


def test_a_damaged_newer_file_does_not_push_out_a_sound_one(tmp_path: Path) -> None:
    for epoch in (1, 2):
        save(tmp_path, state(epoch))
    (tmp_path / "checkpoint-000009.pt").write_bytes(b"")
    save(tmp_path, state(3))
    assert names(tmp_path) == ["checkpoint-000002.pt", "checkpoint-000003.pt", "checkpoint-000009.pt"]


def test_none_sound_names_each_and_its_fault(tmp_path: Path) -> None:
    save(tmp_path, state(1)).write_bytes(b"nothing")
    torch.save({"some": "thing"}, tmp_path / "checkpoint-000002.pt")
    torch.save({"format": 99, "sha256": "", "state": {}}, tmp_path / "checkpoint-000003.pt")
    with pytest.raises(CheckpointError) as caught:
        load_last(tmp_path)
    assert caught.value.where == str(tmp_path)
    message = caught.value.message
    assert "checkpoint-000001.pt is damaged" in message
    assert "checkpoint-000002.pt is no checkpoint of `nnlint train`" in message
    assert "checkpoint-000003.pt has format 99" in message


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (os.mkdir, (str(tmp_path / "evil"),))

    torch.save({"format": FORMAT, "sha256": "", "state": Evil()}, tmp_path / "checkpoint-000001.pt")
    with pytest.raises(CheckpointError, match="damaged"):
        load_last(tmp_path)
    assert not (tmp_path / "evil").exists()


def test_a_folder_that_is_none_of_a_run(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint is in this folder"):
        load_last(tmp_path)
    with pytest.raises(CheckpointError, match="does not exist"):
        load_last(tmp_path / "nowhere")
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(CheckpointError, match="is not a folder"):
        load_last(file)


class FullDisk(io.BufferedWriter):
    """A file on a disk that has room for so many bytes."""

    room = 2000

    def write(self, data: Any) -> int:
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


def test_a_full_disk_keeps_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, state(1))
    monkeypatch.setattr(Path, "open", lambda self, mode: FullDisk(io.FileIO(self, mode)))
    with pytest.raises(CheckpointError) as caught:
        save(tmp_path, state(2))
    monkeypatch.undo()
    assert caught.value.message == (
        "cannot write checkpoint-000002.pt: no space is left on the disk; "
        "the previous checkpoint, checkpoint-000001.pt, is kept"
    )
    assert caught.value.help == "make room on the disk"
    assert names(tmp_path) == ["checkpoint-000001.pt"]
    assert load_last(tmp_path)[0]["epoch"] == 1


def test_a_fault_of_torchs_writer_alone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed")

    monkeypatch.setattr(torch, "save", fails)
    with pytest.raises(CheckpointError, match=r"PytorchStreamWriter failed .*; there is no earlier one"):
        save(tmp_path, state(1))
    assert names(tmp_path) == []


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="its folder does not exist; there is no earlier one"):
        save(tmp_path / "gone", state(1))


def test_a_program_that_is_stopped_while_it_writes_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, state(1))

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", stopped)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, state(2))
    assert names(tmp_path) == ["checkpoint-000001.pt"]


def test_views_are_written_without_what_they_are_views_of(tmp_path: Path) -> None:
    path = save(tmp_path, {"epoch": 1, "view": torch.zeros(1_000_000)[:3]})
    assert path.stat().st_size < 10_000


def test_tensors_that_are_one_stay_one(tmp_path: Path) -> None:
    save(tmp_path, {"epoch": 1, "net": Tied().state_dict()})
    net = load_last(tmp_path)[0]["net"]
    assert net["embedding.weight"].data_ptr() == net["head.weight"].data_ptr()


def test_the_order_of_memory_comes_back(tmp_path: Path) -> None:
    tensor = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    save(tmp_path, {"epoch": 1, "x": tensor})
    loaded = load_last(tmp_path)[0]["x"]
    assert loaded.stride() == tensor.stride()
    assert torch.equal(loaded, tensor)


def test_subclasses_of_numbers_and_strings_become_plain(tmp_path: Path) -> None:
    odd = {"epoch": np.int64(1), "loss": np.float64(0.5), "colour": Colour.RED, "shape": torch.Size([2, 3])}
    save(tmp_path, odd)
    loaded = load_last(tmp_path)[0]
    assert loaded == {"epoch": 1, "loss": 0.5, "colour": "red", "shape": (2, 3)}
    assert [type(value) for value in loaded.values()] == [int, float, str, tuple]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), r"net\.odd is of type object"),
        (np.zeros(3), r"net\.odd is of type ndarray"),
        (torch.zeros(3).to_sparse(), r"net\.odd is a torch\.sparse_coo"),
        (torch.zeros(3, device="meta"), r"net\.odd is a"),
    ],
)
def test_what_a_checkpoint_cannot_hold_is_named(tmp_path: Path, value: object, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        save(tmp_path, {"epoch": 1, "net": {"odd": value}})
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": 1}, {"a": True}),
        ({"a": [1, 2]}, {"a": (1, 2)}),
        ({"a": ["b", "c"]}, {"a": ["bc", ""]}),
        ({"a": [[1], 2]}, {"a": [[1, 2]]}),
        ({"a": torch.zeros(2, 3)}, {"a": torch.zeros(3, 2)}),
        ({"a": torch.zeros(2)}, {"a": torch.zeros(1, dtype=torch.float64)}),
        ({"a": torch.tensor(0.0)}, {"a": torch.tensor(-0.0)}),
        ({"a": None}, {"a": "None"}),
    ],
)
def test_digests_tell_states_apart(one: object, other: object) -> None:
    assert digest(one) != digest(other)


def test_digests_of_equal_states_are_equal() -> None:
    assert digest(state(1)) == digest(state(1))
    assert digest(torch.zeros(3, 2).t()) == digest(torch.zeros(2, 3))
    for kind in (torch.bfloat16, torch.complex64, torch.bool, torch.int8, torch.float8_e4m3fn):
        assert digest(torch.zeros(3).to(kind)) == digest(torch.zeros(3).to(kind))


def test_weights_come_back(tmp_path: Path) -> None:
    net, _ = trained()
    path = tmp_path / "best.safetensors"
    save_weights(path, net, {"class": "Net", "metrics": {"accuracy": 0.5}, "classes": ["a", "b"]})
    torch.manual_seed(1)
    other = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
    metadata = load_weights(path, other)
    assert metadata["metrics"] == '{"accuracy": 0.5}'
    assert metadata["class"] == "Net"
    assert set(metadata) == {"class", "metrics", "classes", "nnlint", "format"}
    assert digest(dict(other.state_dict())) == digest(dict(net.state_dict()))


def test_equal_weights_make_equal_files(tmp_path: Path) -> None:
    metadata = {name: name * 2 for name in "abcdefgh"} | {"ü": "ö"}
    for name in ("one", "other"):
        torch.manual_seed(0)
        save_weights(tmp_path / name, nn.Linear(3, 5), metadata)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert load_weights(tmp_path / "one", nn.Linear(3, 5)).items() >= metadata.items()


def test_tied_weights_are_written_once_and_loaded_twice(tmp_path: Path) -> None:
    from safetensors.torch import load_file, load_model

    net, other, third = Tied(), Tied(), Tied()
    path = tmp_path / "tied.safetensors"
    save_weights(path, net)
    assert list(load_file(path)) == ["embedding.weight"]
    load_weights(path, other)
    assert torch.equal(other.head.weight, net.embedding.weight)
    load_model(third, path)  # what others use reads it too
    assert torch.equal(third.head.weight, net.embedding.weight)


def test_weights_that_are_not_contiguous_or_overlap(tmp_path: Path) -> None:
    net = nn.Module()
    whole = torch.arange(12.0).view(3, 4)
    net.register_buffer("whole", whole)
    net.register_buffer("part", whole[:, :2])
    net.register_buffer("turned", whole.t())
    net.register_buffer("empty", torch.zeros(0))
    other = nn.Module()
    for name, shape in (("whole", (3, 4)), ("part", (3, 2)), ("turned", (4, 3)), ("empty", (0,))):
        other.register_buffer(name, torch.zeros(shape))
    path = tmp_path / "views.safetensors"
    save_weights(path, net)
    load_weights(path, other)
    for name, value in net.state_dict().items():
        assert torch.equal(other.state_dict()[name], value)


def test_extra_state_is_left_out_of_weights(tmp_path: Path) -> None:
    path = tmp_path / "extra.safetensors"
    net, other = WithExtraState(2, 3), WithExtraState(2, 3)
    save_weights(path, net)
    load_weights(path, other)
    assert torch.equal(net.weight, other.weight)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4)))
    with pytest.raises(CheckpointError) as caught:
        load_weights(path, nn.Sequential(nn.Linear(2, 5), nn.BatchNorm1d(3)))
    message = caught.value.message
    assert "those of Sequential" in message
    assert "0.weight is (3, 2) in the file and (5, 2) in the network" in message
    assert "the file lacks 1.running_mean, 1.running_var, 1.num_batches_tracked" in message


def test_a_damaged_file_of_weights(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, nn.Linear(2, 3))
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(CheckpointError, match="is no sound safetensors file"):
        load_weights(path, nn.Linear(2, 3))
    with pytest.raises(CheckpointError, match="cannot read the weights"):
        load_weights(tmp_path / "nowhere", nn.Linear(2, 3))


def test_a_full_disk_keeps_the_weights_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, nn.Linear(2, 3))
    before = path.read_bytes()
    monkeypatch.setattr(Path, "open", lambda self, mode: FullDisk(io.FileIO(self, mode)))
    with pytest.raises(CheckpointError, match=r"cannot write w\.safetensors: no space is left on the disk"):
        save_weights(path, nn.Linear(200, 300))
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert names(tmp_path) == ["w.safetensors"]


@pytest.mark.parametrize(
    ("number", "reason"),
    [(errno.EACCES, "may not be written to"), (errno.EROFS, "read-only"), (errno.EIO, os.strerror(errno.EIO))],
)
def test_why_a_file_could_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: str
) -> None:
    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(WriteError) as caught:
        atomic.write_text(tmp_path / "page.html", "text")
    assert caught.value.message.startswith("cannot write page.html: ")
    assert reason in caught.value.message


def test_an_error_of_the_writing_code_is_its_own(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), atomic.written(tmp_path / "page.html"):
        _ = 1 / 0
    assert names(tmp_path) == []


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    for name in (".checkpoint-000003.pt.123.tmp", ".summary.json.77.tmp", "mine.tmp", ".hidden.tmp", "checkpoint.pt"):
        (tmp_path / name).write_text("")
    assert atomic.clean(tmp_path) == (".checkpoint-000003.pt.123.tmp", ".summary.json.77.tmp")
    assert names(tmp_path) == [".hidden.tmp", "checkpoint.pt", "mine.tmp"]


def test_the_archive_is_an_ordinary_zip(tmp_path: Path) -> None:
    assert zipfile.is_zipfile(save(tmp_path, {"epoch": 1, "net": OrderedDict(w=torch.zeros(2))}))
    assert [path.name for path in checkpoints(tmp_path)] == ["checkpoint-000001.pt"]

"""`nnlint prepare`: the same pixels as decoding gives, whole or not at all, and read back with care."""

import errno
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from made_data import numbers, picture, pictures, problem

from nnlint.cli.prepare import FitChoice, prepare
from nnlint.errors import UsageError
from nnlint.train.data import pack as packing
from nnlint.train.data.load import load_data
from nnlint.train.data.numpy_files import mapped
from nnlint.train.data.pack import Request, pack
from nnlint.train.data.view import viewed


@pytest.fixture
def source(tmp_path):
    return pictures(tmp_path / "pets", {"train": 16, "val": 4})


def refused(*args, **options):
    with pytest.raises(UsageError) as caught:
        pack(Request(*args, **options))
    return str(caught.value)


def left(folder):
    """What lies in a folder, hidden or not."""
    return sorted(path.name for path in folder.iterdir())


# ------------------------------------------------------------------------------------------------------- what it makes


def test_prepared_pictures_are_those_that_decoding_gives(source, tmp_path):
    done = pack(Request(source, tmp_path / "out", (8, 8)))
    assert done.samples == {"train": 32, "val": 8} and done.shape == (3, 8, 8) and done.classes == ("cat", "dog")
    data, decoded = load_data(str(tmp_path / "out")), load_data(str(source), size=(8, 8))
    for part in ("train", "val"):
        assert torch.equal(getattr(data, part).inputs, getattr(decoded, part).inputs)
        assert torch.equal(getattr(data, part).targets, getattr(decoded, part).targets)
    assert (data.task, data.classes, data.shape) == (decoded.task, decoded.classes, decoded.shape)
    assert torch.equal(data.mean, decoded.mean) and torch.equal(data.std, decoded.std)
    assert "40 pictures of" in data.source and "crop to 8 × 8" in data.source and "split as given" in data.source
    assert left(tmp_path) == ["out", "pets"]


def test_the_arrays_are_mapped_and_hashed(source, tmp_path):
    pack(Request(source, tmp_path / "out", (8, 6)))
    assert left(tmp_path / "out") == ["metadata.json", "train_x.npy", "train_y.npy", "val_x.npy", "val_y.npy"]
    array = mapped(tmp_path / "out" / "train_x.npy")
    assert isinstance(array, np.memmap) and array.dtype == np.uint8 and array.shape == (32, 3, 8, 6)
    facts = json.loads((tmp_path / "out" / "metadata.json").read_text(encoding="utf-8"))
    assert facts["shape"] == [3, 8, 6] and facts["parts"] == {"train": 32, "val": 8}
    import hashlib

    for name, file in facts["files"].items():
        contents = (tmp_path / "out" / name).read_bytes()
        assert file["bytes"] == len(contents) and file["sha256"] == hashlib.sha256(contents).hexdigest()
    assert len(facts["sha256"]) == 64 and facts["nnlint"]


def test_several_processes_make_the_same_bytes(tmp_path):
    source = pictures(tmp_path / "pets", {"train": 40, "val": 4})
    for workers in (1, 2):
        pack(Request(source, tmp_path / f"out{workers}", (5, 5), workers=workers))
    for name in left(tmp_path / "out1"):
        assert (tmp_path / "out1" / name).read_bytes() == (tmp_path / "out2" / name).read_bytes()


def test_a_folder_of_classes_is_split_as_training_would(tmp_path):
    source = pictures(tmp_path / "pets", {"": 20})
    done = pack(Request(source, tmp_path / "out", (8, 8)))
    assert done.samples == {"train": 28, "val": 4, "test": 8}
    data, decoded = load_data(str(tmp_path / "out")), load_data(str(source), size=(8, 8))
    assert torch.equal(data.test.inputs, decoded.test.inputs)
    assert pack(Request(source, tmp_path / "two", (8, 8), val=0.25)).samples == {"train": 30, "val": 10}
    assert "10 of 40 training pictures set apart" in load_data(str(tmp_path / "two")).source


def test_stretching_and_cropping_differ(source, tmp_path):
    for fit in ("crop", "stretch"):
        pack(Request(source, tmp_path / fit, (8, 8), fit=fit))
    crop, stretch = (load_data(str(tmp_path / fit)) for fit in ("crop", "stretch"))
    assert not torch.equal(crop.train.inputs, stretch.train.inputs)
    assert "stretch to 8 × 8" in stretch.source


def test_prepared_data_are_shown_as_a_network_wants_them(source, tmp_path):
    pack(Request(source, tmp_path / "out", (8, 8)))
    seen = viewed(load_data(str(tmp_path / "out")), 1, (4, 4))
    assert seen.train.inputs.shape == (32, 1, 4, 4)
    assert load_data(str(tmp_path / "out"), size=(4, 4)).shape == (3, 4, 4)


def test_progress_reaches_the_end(source, tmp_path):
    seen = []
    pack(Request(source, tmp_path / "out", (8, 8)), lambda done, total: seen.append((done, total)))
    assert seen[-1] == (40, 40) and [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_notes_are_kept(tmp_path):
    source = pictures(tmp_path / "pets", {"train": 12, "val": 3})
    picture(source / "train" / "cat" / "grey.png", numbers().integers(0, 256, (10, 12), dtype=np.uint8))
    assert any("1 of 31 pictures are grey" in note for note in pack(Request(source, tmp_path / "out", (8, 8))).notes)
    assert any("1 of 31 pictures are grey" in note for note in load_data(str(tmp_path / "out")).notes)


# -------------------------------------------------------------------------------------------------- whole or not at all


def test_places_that_are_taken(source, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all my work")
    for overwrite in (False, True):
        message = refused(source, tmp_path / "mine", (8, 8), overwrite=overwrite)
        assert "mine: it exists, and nnlint did not prepare it" in message
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "all my work"
    (tmp_path / "empty").mkdir()
    pack(Request(source, tmp_path / "empty", (8, 8)))
    message = refused(source, tmp_path / "empty", (4, 4))
    assert "it was prepared before" in message and "--overwrite" in message
    pack(Request(source, tmp_path / "empty", (4, 4), overwrite=True))
    assert load_data(str(tmp_path / "empty")).shape == (3, 4, 4)
    assert left(tmp_path) == ["empty", "mine", "pets"]


def test_what_else_lies_in_a_prepared_folder_is_not_lost(source, tmp_path):
    out = tmp_path / "out"
    pack(Request(source, out, (8, 8)))
    (out / "run").mkdir()
    (out / "run" / "best.safetensors").write_text("weights")
    (out / "summary.json").write_text("{}")
    message = refused(source, out, (4, 4), overwrite=True)
    assert "it holds what nnlint did not prepare" in message and message.count("run, summary.json") == 1
    assert "train_x.npy" not in message and "metadata.json" not in message
    assert (out / "run" / "best.safetensors").exists() and load_data(str(out)).shape == (3, 8, 8)
    for index in range(5):
        (out / f"more{index}").write_text("")
    assert "and 2 more" in refused(source, out, (4, 4), overwrite=True)


def test_what_file_managers_leave_is_no_loss(source, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for size in (8, 4):
        for name in (".DS_Store", "Thumbs.db"):
            (out / name).write_text("")
        pack(Request(source, out, (size, size), overwrite=size == 4))
        assert load_data(str(out)).shape == (3, size, size)


def test_places_that_cannot_be(source, tmp_path):
    assert "it lies in the folder that is read" in refused(source, source / "out", (8, 8))
    assert "it lies in the folder that is read" in refused(source, source, (8, 8), overwrite=True)
    assert "make it first" in refused(source, tmp_path / "no" / "out", (8, 8))
    assert "there is no such file or folder" in refused(tmp_path / "none", tmp_path / "out", (8, 8))
    assert "has a val part already" in refused(source, tmp_path / "out", (8, 8), val=0.2)
    classes = pictures(tmp_path / "all", {"": 8})
    assert "1.5 is no share" in refused(classes, tmp_path / "out", (8, 8), val=1.5)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("house.csv", "need no preparing: nnlint train NET.py --data {} --target COLUMN"),
        ("house.npz", "need no preparing: nnlint train NET.py --data {}"),
        ("pictures.zip", "nnlint train --data takes it as it is: a name (digits"),
    ],
)
def test_a_file_is_no_folder(tmp_path, name, advice):
    (tmp_path / name).write_text("price\n1\n")
    message = refused(tmp_path / name, tmp_path / "out", (8, 8))
    assert f"{name}: a file, expected a folder of pictures" in message and advice.format(tmp_path / name) in message
    assert left(tmp_path) == [name]


@pytest.mark.parametrize("workers", [1, 2])
def test_several_damaged_pictures_are_named(source, tmp_path, workers):
    jpeg = picture(tmp_path / "whole.jpg").read_bytes()
    bad = sorted((source / "train" / "dog").iterdir())[:2]
    for file in bad:
        file.write_bytes(jpeg[:-60])
    message = refused(source, tmp_path / "out", (8, 8), workers=workers)
    assert "2 of the 32 pictures looked at cannot be read:" in message and all(str(file) in message for file in bad)
    assert left(tmp_path) == ["pets", "whole.jpg"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_damaged_picture_leaves_nothing(source, tmp_path, workers):
    bad = source / "val" / "dog" / "03.png"
    bad.write_bytes(bad.read_bytes()[:200])
    message = refused(source, tmp_path / "out", (8, 8), workers=workers)
    assert str(bad) in message and "cannot be decoded" in message
    assert left(tmp_path) == ["pets"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_what_was_there_and_nothing_else(source, tmp_path, monkeypatch, number):
    pack(Request(source, tmp_path / "out", (8, 8)))
    before = (tmp_path / "out" / "train_x.npy").read_bytes()

    def full(*_args):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(packing.np, "save", full)
    message = refused(source, tmp_path / "out", (4, 4), overwrite=True)
    assert "the disk is full" in message and "taken away again" in message and "out" in message
    assert left(tmp_path) == ["out", "pets"]
    assert (tmp_path / "out" / "train_x.npy").read_bytes() == before


def test_a_disk_that_will_not_do_is_found_before(source, tmp_path, monkeypatch):
    monkeypatch.setattr(packing.shutil, "disk_usage", lambda _folder: type("usage", (), {"free": 1000})())
    message = refused(source, tmp_path / "out", (8, 8))
    assert "will take 7.7 KB" in message and "1.0 KB are free" in message


def test_an_interrupt_leaves_nothing(source, tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(Request(source, tmp_path / "out", (8, 8)), interrupt)
    assert left(tmp_path) == ["pets"]


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_and_kill_end_all_processes_and_leave_nothing(tmp_path, sent, code, early):
    source = pictures(tmp_path / "pets", {"train": 300, "val": 3})
    process = subprocess.Popen(
        [sys.executable, "-m", "nnlint", "prepare", str(source), str(tmp_path / "out"), "--size", "300"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    # early: while the processes that decode start; late: while they decode
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if early and left(tmp_path)[0].endswith(".partial"):
            break
        if any(file.stat().st_size > 10_000_000 for file in tmp_path.glob(".*.partial/train_x.npy")):
            break
        time.sleep(0.01)
    # Ctrl-C goes to all processes of a terminal, kill to one
    (os.killpg if sent == signal.SIGINT else os.kill)(process.pid, sent)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert "Traceback" not in errors
    assert left(tmp_path) == ["pets"]


def test_a_process_that_is_killed_is_said(tmp_path, monkeypatch):
    from concurrent.futures.process import BrokenProcessPool

    class Pool(packing.ProcessPoolExecutor):
        def submit(self, *args, **options):
            raise BrokenProcessPool("terminated abruptly")

    monkeypatch.setattr(packing, "ProcessPoolExecutor", Pool)
    source = pictures(tmp_path / "pets", {"": 8})
    message = refused(source, tmp_path / "out", (8, 8), workers=4)
    assert "was killed" in message and "--workers 2" in message
    assert left(tmp_path) == ["pets"]


def test_the_same_pictures_in_train_and_val(source, tmp_path):
    for name in ("cat", "dog"):
        for index in range(4):
            (source / "val" / name / f"{index:02}.png").write_bytes(
                (source / "train" / name / f"{index:02}.png").read_bytes()
            )
    assert "8 of the 8 samples of val occur in train" in refused(source, tmp_path / "out", (8, 8))
    assert left(tmp_path) == ["pets"]


# --------------------------------------------------------------------------------------------------------- reading back


@pytest.fixture
def prepared(source, tmp_path):
    pack(Request(source, tmp_path / "out", (8, 8)))
    return tmp_path / "out"


def test_a_file_that_was_cut_is_named(prepared):
    file = prepared / "train_x.npy"
    os.truncate(file, 3000)
    message = problem(prepared)
    assert f"{file}: it is cut short: 3,000 bytes, expected 6,272" in message and "nnlint prepare again" in message


def test_other_contents_are_found(prepared):
    file = prepared / "val_x.npy"
    contents = bytearray(file.read_bytes())
    contents[-1] ^= 1
    file.write_bytes(bytes(contents))
    assert f"{file}: its contents are not those that were prepared" in problem(prepared)


def test_a_missing_file_is_named(prepared):
    (prepared / "val_y.npy").unlink()
    assert f"{prepared / 'val_y.npy'}: there is no such file" in problem(prepared)


def test_metadata_of_another_version_or_without_something(prepared):
    file = prepared / "metadata.json"
    facts = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(facts | {"version": 9}))
    assert "version 9 of the format, expected 1" in problem(prepared)
    del facts["classes"]
    file.write_text(json.dumps(facts))
    assert "the metadata lack something ('classes')" in problem(prepared)


# ----------------------------------------------------------------------------------------------------- the command line


def test_the_command_says_what_it_made(source, tmp_path, capsys):
    code = prepare(source, tmp_path / "out", "8x6", FitChoice.crop, 1, None, overwrite=False, quiet=False)
    out, err = capsys.readouterr()
    assert code == 0 and err == ""
    assert "train 32, val 8; 2 classes; 8 × 6, colours (shorter side resized, middle cut out)" in out
    assert "40 pictures in" in out and "1 process)" in out and f"--data {tmp_path / 'out'}" in out
    assert prepare(source, tmp_path / "out", "4", FitChoice.stretch, 1, None, overwrite=True, quiet=True) == 0
    assert capsys.readouterr() == ("", "")
    assert load_data(str(tmp_path / "out")).shape == (3, 4, 4)


@pytest.mark.parametrize("size", ["big", "0", "8x", "8x8x8", "-4", ""])
def test_a_wrong_size_is_said(source, tmp_path, size):
    with pytest.raises(UsageError, match="is no size") as caught:
        prepare(source, tmp_path / "out", size, FitChoice.crop, 1, None, overwrite=False, quiet=True)
    assert caught.value.where == "--size"


def test_a_terminal_sees_a_bar(source, tmp_path):
    pty = pytest.importorskip("pty")
    script = (
        "import sys; from pathlib import Path; from nnlint.cli.prepare import FitChoice, prepare\n"
        "if __name__ == '__main__':\n"
        "    prepare(Path(sys.argv[1]), Path(sys.argv[2]), '8', FitChoice.crop, 1, None, False, False)"
    )
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(source), str(tmp_path / "out")],
        stdout=subprocess.DEVNULL,
        stderr=slave,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(slave)
    shown, end = b"", time.monotonic() + 60
    while time.monotonic() < end:
        try:
            piece = os.read(master, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    assert process.wait(60) == 0
    assert b"pictures," in shown

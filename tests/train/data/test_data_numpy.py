"""Arrays: `.npz` and `.npy`, whole and malformed."""

import io
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from made_data import numbers, problem

from nnlint.train.data import numpy_files, parts
from nnlint.train.data.assemble import Raw, assemble
from nnlint.train.data.load import load_data
from nnlint.train.data.parts import Part


def images(count=40, seed=0):
    return numbers(seed).integers(0, 256, (count, 3, 6, 5), dtype=np.uint8)


def labels(count=40, classes=4):
    return np.arange(count) % classes


# ---------------------------------------------------------------------------------------------------------- the forms


def test_one_pair_is_split(tmp_path):
    np.savez(tmp_path / "a.npz", x=images(), y=labels(), classes=["n", "e", "s", "w"])
    data = load_data(str(tmp_path / "a.npz"))
    assert data.task == "classes" and data.classes == ("n", "e", "s", "w")
    assert (len(data.train), len(data.val), len(data.test)) == (28, 4, 8)
    assert "70/10/20" in data.source and "stratified by class" in data.source
    assert data.train.inputs.dtype == torch.uint8


@pytest.mark.parametrize("names", [("{}_{}"), ("{1}_{0}"), ("{}_{}".upper())])
def test_parts_of_ones_own_are_kept(tmp_path, names):
    arrays = {}
    for seed, part in enumerate(("train", "val", "test")):
        arrays[names.format("x", part)] = images(20, seed)
        arrays[names.format("y", part)] = labels(20)
    np.savez(tmp_path / "a.npz", **arrays, more=np.zeros(3))
    data = load_data(str(tmp_path / "a.npz"))
    assert (len(data.train), len(data.val), len(data.test)) == (20, 20, 20)
    assert np.array_equal(data.val.inputs.numpy(), images(20, 1))
    assert "split as given" in data.source
    assert any("not used: more" in note for note in data.notes)


def test_without_a_val_part_an_eighth_of_training_is_set_apart(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=images(), y_train=labels(), x_test=images(8, 1), y_test=labels(8))
    data = load_data(str(tmp_path / "a.npz"))
    assert (len(data.train), len(data.val), len(data.test)) == (35, 5, 8)
    assert "an eighth of the training samples" in data.source


def test_a_folder_of_arrays_is_mapped(tmp_path):
    for seed, part in enumerate(("train", "val")):
        np.save(tmp_path / f"{part}_x.npy", images(20, seed))
        np.save(tmp_path / f"{part}_y.npy", labels(20))
    raw = numpy_files.read_array_folder(tmp_path, "folder")
    assert isinstance(raw.parts["train"].inputs, np.memmap)
    data = load_data(str(tmp_path))
    assert data.test is None
    # the very bytes of the file: a change in it shows
    stored = np.load(tmp_path / "train_x.npy", mmap_mode="r+")
    stored[0, 0, 0, 0] ^= 255
    stored.flush()
    assert data.train.inputs[0, 0, 0, 0].item() == stored[0, 0, 0, 0]


def test_x_and_y_side_by_side(tmp_path):
    np.save(tmp_path / "pets_x.npy", images())
    np.save(tmp_path / "pets_y.npy", labels())
    assert len(load_data(str(tmp_path / "pets_x.npy")).train) == 28
    np.save(tmp_path / "pets.npy", images())
    assert "which file holds the targets?" in problem(tmp_path / "pets.npy")
    (tmp_path / "pets_y.npy").unlink()
    assert "in pets_y.npy" in problem(tmp_path / "pets_x.npy")


@given(
    nps.arrays(np.uint8, st.tuples(st.integers(12, 30), st.just(1), st.integers(5, 7), st.integers(5, 7))),
    st.integers(2, 4),
)
@settings(max_examples=25, deadline=None)
def test_no_sample_is_lost_or_changed(inputs, classes):
    targets = np.arange(len(inputs)) % classes
    data = assemble(Raw("a", "arrays", {"all": Part(inputs, targets, "a")}))
    back = np.concatenate([part.inputs.numpy() for part in (data.train, data.val, data.test)])
    told = np.concatenate([part.targets.numpy() for part in (data.train, data.val, data.test)])
    rows = sorted((row.tobytes(), int(target)) for row, target in zip(back, told, strict=True))
    assert rows == sorted((row.tobytes(), int(target)) for row, target in zip(inputs, targets, strict=True))


# --------------------------------------------------------------------------------------------------------- the layouts


def test_channels_last_is_moved_where_it_is_certain(tmp_path):
    last = images(40).transpose(0, 2, 3, 1)
    np.savez(tmp_path / "a.npz", x_train=last, y_train=labels(), x_val=last[:8] ^ 1, y_val=labels(8))
    data = load_data(str(tmp_path / "a.npz"))
    assert data.shape == (3, 6, 5)
    assert np.array_equal(data.train.inputs.numpy(), images(40))
    assert any("channels were moved to the front" in note for note in data.notes)


@pytest.mark.parametrize("shape", [(20, 3, 32, 3), (20, 5, 6, 7), (20, 1, 28, 1), (20, 3, 3, 32)])
def test_a_layout_that_is_not_certain_is_an_error(tmp_path, shape):
    np.savez(tmp_path / "a.npz", x=numbers().random(shape), y=labels(20))
    message = problem(tmp_path / "a.npz")
    assert str(shape) in message and "which dimension are the channels?" in message and "(N, C, H, W)" in message


def test_grey_images_without_a_channel(tmp_path):
    np.savez(tmp_path / "a.npz", x=images()[:, 0], y=labels())
    data = load_data(str(tmp_path / "a.npz"))
    assert data.shape == (1, 6, 5) and any("taken as grey images" in note for note in data.notes)
    np.savez(tmp_path / "b.npz", x=numbers().random((40, 6, 5)), y=labels())
    assert "x[:, None]" in problem(tmp_path / "b.npz")


# ------------------------------------------------------------------------------------------------------ malformed files


def test_a_file_that_is_cut_short(tmp_path):
    np.savez(tmp_path / "a.npz", x=images(), y=labels())
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[: len(whole) // 2])
    assert "a.npz" in problem(tmp_path / "a.npz")
    np.save(tmp_path / "x.npy", images())
    np.save(tmp_path / "y.npy", labels())
    whole = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(whole[:-100])
    message = problem(tmp_path / "x.npy")
    assert "x.npy" in message and "cut short" in message and "anew" in message


def test_a_damaged_archive_names_the_array(tmp_path):
    np.savez(tmp_path / "a.npz", x=images(), y=labels())
    whole = bytearray((tmp_path / "a.npz").read_bytes())
    whole[300:310] = b"\xff" * 10
    (tmp_path / "a.npz").write_bytes(bytes(whole))
    message = problem(tmp_path / "a.npz")
    assert "a.npz: array 'x' c" in message and "anew" in message


def test_an_empty_file(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"")
    assert "the file is empty, expected an .npz file" in problem(tmp_path / "a.npz")


def test_a_zip_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    message = problem(tmp_path / "a.npz")
    assert "readme.txt" in message and "x_train" in message
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("x", "hello")
        archive.writestr("y", "hello")
    assert "the file is a zip of something else" in problem(tmp_path / "b.npz")


def test_something_else_altogether(tmp_path):
    (tmp_path / "a.npz").write_text("these are no arrays")
    message = problem(tmp_path / "a.npz")
    assert "it is not an .npz file" in message and "np.savez" in message and "pickle" not in message
    buffer = io.BytesIO()
    np.save(buffer, images())
    (tmp_path / "b.npz").write_bytes(buffer.getvalue())
    assert "a single array" in problem(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", x=images())
    (tmp_path / "c.npz").rename(tmp_path / "x.npy")
    np.save(tmp_path / "y.npy", labels())
    assert "it is an .npz file" in problem(tmp_path / "x.npy")


def test_pickles_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{}, []] * 10, dtype=object), y=labels(20))
    message = problem(tmp_path / "a.npz")
    assert "array 'x' holds Python objects" in message and "run code" in message
    np.save(tmp_path / "x.npy", np.array([{}, []] * 10, dtype=object))
    np.save(tmp_path / "y.npy", labels(20))
    assert "Python objects" in problem(tmp_path / "x.npy")


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": 1}, "there is x and no y"),
        ({"x_train": 1, "y_train": 1, "x_val": 1}, "there is x of val and no y of val"),
        ({"images": 1, "labels": 1}, "there is nothing to train on (found: images, labels)"),
        ({"x_val": 1, "y_val": 1}, "there is nothing to train on"),
        ({"x": 1, "y": 1, "x_train": 1, "y_train": 1}, "both one data set and parts of one"),
        ({"x_train": 1, "train_x": 1, "y_train": 1}, "are the same array"),
    ],
)
def test_arrays_that_are_missing_or_too_many(tmp_path, arrays, words):
    np.savez(tmp_path / "a.npz", **{name: np.zeros((4, 2)) for name in arrays})
    message = problem(tmp_path / "a.npz")
    assert words in message and "x_train" in message and "a.npz" in message


def test_a_mapped_set_too_large_to_be_split_says_how(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", images())
    np.save(tmp_path / "y.npy", labels())
    monkeypatch.setattr(parts, "free_memory", lambda: 1000)
    message = problem(tmp_path / "x.npy")
    assert "train_x.npy" in message and "1.0 KB of memory are free" in message


def test_an_archive_larger_than_the_memory_is_not_read(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((1000, 100)), y=np.arange(1000) % 2)
    monkeypatch.setattr(numpy_files, "free_memory", lambda: 100_000)
    message = problem(tmp_path / "a.npz")
    assert "its arrays take 808 KB" in message and "train_x.npy" in message


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((3, 4, 4), (3, 4, 4)),
        ((64, 7, 7), (64, 7, 7)),
        ((7, 7, 64), (64, 7, 7)),
        ((28, 28, 1), (1, 28, 28)),
        ((1, 28, 20), (1, 28, 20)),
        ((30, 20, 4), (4, 30, 20)),
        ((5, 5, 5), (5, 5, 5)),
    ],
)
def test_square_images_and_few_channels_make_a_layout_certain(shape, expected):
    x = numbers().random((20, *shape), dtype=np.float32)
    assert assemble(Raw("a", "arrays", {"all": Part(x, labels(20), "a")})).shape == expected

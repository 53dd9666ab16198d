"""Folders of pictures: every kind of picture, every odd layout."""

import sys

import numpy as np
import pytest
import torch
from made_data import numbers, picture, pictures, problem
from PIL import Image

from nnlint.train.data import folder
from nnlint.train.data.load import load_data
from nnlint.train.data.pictures import decode, header


def test_parts_and_classes(tmp_path):
    data = load_data(str(pictures(tmp_path, {"train": 12, "val": 3, "test": 4}, ("b", "a", "c"))))
    assert data.task == "classes" and data.classes == ("a", "b", "c") and data.shape == (3, 10, 12)
    assert (len(data.train), len(data.val), len(data.test)) == (36, 9, 12)
    assert data.train.inputs.dtype == torch.uint8
    first = decode(sorted((tmp_path / "train" / "a").iterdir())[0], 3)
    assert np.array_equal(data.train.inputs[0].numpy(), first)
    assert "57 pictures of" in data.source and "split as given" in data.source
    assert data.notes == ()


@pytest.mark.parametrize("name", ["valid", "validation", "Val"])
def test_other_words_for_val(tmp_path, name):
    assert len(load_data(str(pictures(tmp_path, {"train": 12, name: 3}))).val) == 6


def test_a_folder_of_classes_is_split_and_that_is_said(tmp_path):
    data = load_data(str(pictures(tmp_path, {"": 20})))
    assert (len(data.train), len(data.val), len(data.test)) == (28, 4, 8)
    assert data.task == "binary" and "70/10/20" in data.source


def test_train_alone_has_an_eighth_set_apart(tmp_path):
    data = load_data(str(pictures(tmp_path, {"train": 16, "test": 2})))
    assert (len(data.train), len(data.val), len(data.test)) == (28, 4, 4)


def test_deeper_folders_other_files_and_hidden_ones(tmp_path):
    pictures(tmp_path, {"train": 12, "val": 2})
    picture(tmp_path / "train" / "cat" / "more" / "deep.jpeg", np.zeros((10, 12, 3), dtype=np.uint8))
    (tmp_path / "train" / "cat" / "notes.txt").write_text("no picture")
    (tmp_path / "train" / "cat" / "._00.png").write_bytes(b"what a Mac leaves behind")
    (tmp_path / "train" / ".cache").mkdir()
    (tmp_path / "docs").mkdir()
    data = load_data(str(tmp_path))
    assert len(data.train) == 25
    assert any("not used: the folders docs" in note for note in data.notes)


def test_sizes_that_differ_name_two_files_and_the_option(tmp_path):
    pictures(tmp_path, {"train": 12, "val": 2})
    odd = picture(tmp_path / "train" / "dog" / "wide.png", np.zeros((5, 20, 3), dtype=np.uint8))
    message = problem(tmp_path)
    assert f"{odd} is 5 × 20" in message and "00.png is 10 × 12" in message and "--size" in message
    data = load_data(str(tmp_path), size=(8, 8))
    assert data.shape == (3, 8, 8) and any("8 × 8 pixels: shorter side resized" in note for note in data.notes)


def test_more_than_fits_the_memory(tmp_path, monkeypatch):
    pictures(tmp_path, {"train": 12, "val": 2})
    monkeypatch.setattr(folder, "free_memory", lambda: 10_000)
    message = problem(tmp_path)
    assert "28 pictures take 10.1 KB" in message and "nnlint prepare" in message


def test_without_pillow_the_extra_is_named(tmp_path, monkeypatch):
    pictures(tmp_path, {"train": 12, "val": 2})
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert "pip install 'nnlint[images]'" in problem(tmp_path)


# ---------------------------------------------------------------------------------------------------- malformed folders


def test_an_empty_class(tmp_path):
    pictures(tmp_path, {"train": 12, "val": 2})
    (tmp_path / "train" / "owl").mkdir()
    message = problem(tmp_path)
    assert f"{tmp_path / 'train' / 'owl'}: a class folder without pictures" in message and ".png" in message


def test_a_class_of_val_that_training_does_not_have(tmp_path):
    pictures(tmp_path, {"train": 12, "val": 2})
    picture(tmp_path / "val" / "owl" / "1.png")
    message = problem(tmp_path)
    assert "class 'owl' of val does not occur in train" in message and "cat, dog" in message


def test_one_class_alone(tmp_path):
    assert "all samples are of one class, 'cat'" in problem(pictures(tmp_path, {"train": 12, "val": 2}, ("cat",)))


def test_no_classes_and_nothing_at_all(tmp_path):
    assert "there is no folder of a class in it" in problem(tmp_path)
    picture(tmp_path / "a.png")
    message = problem(tmp_path)
    assert "pictures lie here without a folder for each class" in message and "root/train/CLASS" in message
    pictures(tmp_path, {"val": 2})
    assert "there is val and no train" in problem(tmp_path)
    pictures(tmp_path, {"train": 2, "Validation": 2})
    assert "Validation and val are both the val part" in problem(tmp_path)


def test_the_same_pictures_in_train_and_val(tmp_path):
    pictures(tmp_path, {"train": 12})
    for name in ("cat", "dog"):
        for index in range(3):
            source = tmp_path / "train" / name / f"{index:02}.png"
            picture(tmp_path / "val" / name / f"other{index}.png", np.asarray(Image.open(source)))
    message = problem(tmp_path)
    assert "6 of the 6 samples of val occur in train" in message
    assert "other0.png" in message and "00.png of train" in message


def test_a_task_of_numbers(tmp_path):
    assert "has classes, no numbers" in problem(pictures(tmp_path, {"": 8}), task="numbers")


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (b"", "the file is empty"),
        (b"no picture at all", "it is no picture that Pillow knows"),
        (None, "the picture cannot be decoded"),
    ],
)
def test_a_damaged_picture_is_named(tmp_path, contents, words):
    pictures(tmp_path, {"train": 12, "val": 2})
    bad = tmp_path / "train" / "cat" / "bad.png"
    whole = (tmp_path / "train" / "cat" / "03.png").read_bytes()
    bad.write_bytes(whole[: len(whole) // 2] if contents is None else contents)
    message = problem(tmp_path)
    assert str(bad) in message and words in message


@pytest.mark.parametrize("cut", [False, True])
def test_several_damaged_pictures_are_named(tmp_path, cut):
    """Those whose header is wrong, and those whose header is right and whose pixels end too early."""
    jpeg = picture(tmp_path / "whole.jpg", numbers().integers(0, 256, (10, 12, 3), dtype=np.uint8)).read_bytes()
    pictures(tmp_path, {"train": 12, "val": 2})
    bad = sorted((tmp_path / "train" / "dog").iterdir())[:7]
    for file in bad:
        file.write_bytes(jpeg[:-60] if cut else b"")
    message = problem(tmp_path)
    looked = 24 if cut else 28  # the pixels are read part by part
    assert f"7 of the {looked} pictures looked at cannot be read; the first 5:" in message
    assert [line.split(":")[0].strip() for line in message.splitlines()[1:6]] == [str(file) for file in bad[:5]]
    assert message.endswith("help: delete them, or replace them")


# ---------------------------------------------------------------------------------------------------- kinds of pictures


def shown(path):
    """A picture as a folder of its kind has it."""
    return decode(path, header(path).channels)


def test_grey_pictures_have_one_channel_and_mixed_ones_three(tmp_path):
    grey = numbers().integers(0, 256, (10, 12), dtype=np.uint8)
    for index in range(10):
        picture(tmp_path / "a" / f"{index}.png", grey ^ index)
        picture(tmp_path / "b" / f"{index}.png", grey ^ (index + 100))
    assert load_data(str(tmp_path)).shape == (1, 10, 12)
    picture(tmp_path / "b" / "colour.png")
    data = load_data(str(tmp_path))
    assert data.shape == (3, 10, 12)
    assert any("20 of 21 pictures are grey" in note for note in data.notes)


def test_pictures_are_turned_as_exif_says(tmp_path):
    pixels = numbers().integers(0, 256, (4, 6, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees, clockwise
    path = picture(tmp_path / "a.png", pixels, exif=exif)
    assert header(path).shape == (3, 6, 4)
    assert np.array_equal(shown(path), np.rot90(pixels, -1).transpose(2, 0, 1))


def test_palettes_become_colours(tmp_path):
    pixels = np.zeros((4, 4, 3), dtype=np.uint8)
    pixels[:2] = (255, 0, 10)
    path = tmp_path / "a.gif"
    Image.fromarray(pixels).convert("P", palette=Image.Palette.ADAPTIVE).save(path)
    assert header(path).channels == 3
    assert np.array_equal(shown(path), pixels.transpose(2, 0, 1))


def test_what_is_transparent_is_white(tmp_path):
    colours = np.full((4, 4, 4), 77, dtype=np.uint8)
    colours[..., 3] = 255
    colours[0, :, 3] = 0
    path = picture(tmp_path / "rgba.png", colours)
    assert shown(path).shape == (3, 4, 4)
    assert (shown(path)[:, 0] == 255).all() and (shown(path)[:, 1:] == 77).all()
    grey = picture(tmp_path / "la.png", colours[..., 2:])
    assert shown(grey).shape == (1, 4, 4)
    assert (shown(grey)[0, 0] == 255).all() and (shown(grey)[0, 1:] == 77).all()


def test_sixteen_bits_become_eight(tmp_path):
    values = np.array([[0, 257, 514, 65535], [128, 129, 32768, 385]], dtype=np.uint16)
    path = picture(tmp_path / "deep.png", values)
    assert header(path).channels == 1
    assert shown(path).tolist() == [[[0, 1, 2, 255], [0, 1, 128, 1]]]


def test_one_bit_and_cmyk(tmp_path):
    bits = picture(tmp_path / "bits.png", np.array([[True, False]] * 2))
    assert shown(bits).tolist() == [[[255, 0], [255, 0]]]
    Image.new("CMYK", (3, 2), (0, 255, 255, 0)).save(tmp_path / "print.jpg")
    red = shown(tmp_path / "print.jpg")
    assert red.shape == (3, 2, 3) and red[0].min() > 200 and red[1].max() < 60


def test_floats_are_no_pictures(tmp_path):
    from nnlint.errors import UsageError

    path = picture(tmp_path / "a.tiff", np.zeros((4, 4), dtype=np.float32))
    with pytest.raises(UsageError, match="pixels are floats"):
        shown(path)


def test_crop_keeps_the_shape_and_stretch_does_not(tmp_path):
    pixels = np.zeros((10, 30, 3), dtype=np.uint8)
    pixels[:, 10:20] = 255
    path = picture(tmp_path / "a.png", pixels)
    assert (decode(path, 1, (10, 10)) == 255).all()  # the middle
    assert decode(path, 1, (10, 10), "stretch")[0, 0].tolist()[0] == 0
    assert decode(path, 3, (5, 5)).shape == (3, 5, 5)

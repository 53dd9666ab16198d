"""What cannot be learnt from is an error that says where; what is odd is a note."""

import re

import numpy as np
import pytest
import torch
from made_data import numbers

from nnlint.errors import UsageError
from nnlint.train.data import overlap, parts
from nnlint.train.data.assemble import Raw, assemble
from nnlint.train.data.parts import Part
from nnlint.train.data.statistics import mean_and_std, places


def made(x, y, x_val=None, y_val=None, **options):
    task = options.pop("task", None)
    found = {"all": Part(np.asarray(x), np.asarray(y), "data.npz")}
    if x_val is not None:
        found = {"train": found["all"], "val": Part(np.asarray(x_val), np.asarray(y_val), "val.npz")}
    return assemble(Raw("data.npz", "arrays", found, **options), task)


def refused(*args, **options):
    with pytest.raises(UsageError) as caught:
        made(*args, **options)
    return str(caught.value)


def vectors(count=40, seed=0):
    return numbers(seed).random((count, 5), dtype=np.float32)


# -------------------------------------------------------------------------------------------------------------- inputs


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 17, 39])
def test_nan_and_infinity_name_the_first_row(value, row):
    x = vectors()
    x[row:, 3] = value
    message = refused(x, np.arange(40) % 2)
    assert f"{value} in the inputs, first in sample {row}" in message and "data.npz" in message


def test_nan_is_found_piece_by_piece(monkeypatch):
    monkeypatch.setattr(parts, "CHUNK_BYTES", 60)
    x = vectors()
    x[29, 0] = np.nan
    assert "first in sample 29" in refused(x, np.arange(40) % 2)


def test_doubles_that_floats_cannot_hold():
    x = vectors().astype(np.float64)
    x[4, 1] = 1e300
    assert "inf in the inputs, first in sample 4" in refused(x, np.arange(40) % 2)


def test_large_sums_are_no_infinity():
    x = np.full((40, 5), 3e38, dtype=np.float32) * (np.arange(40)[:, None] % 2)
    assert made(x, np.arange(40) % 2).shape == (5,)


def test_lengths_that_differ():
    assert "40 inputs and 39 targets" in refused(vectors(), np.arange(39) % 2)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.array(["a", "b"] * 20), "inputs of type <U1, expected numbers"),
        (np.zeros((40, 2, 2, 2, 2)), "inputs of shape (40, 2, 2, 2, 2)"),
        (np.zeros((40, 0)), "hold no numbers"),
        (np.array(3.0), "x is a single number"),
        (np.array([None] * 40), "x holds Python objects"),
        (np.zeros((40, 2), dtype=complex), "inputs of type complex128"),
        (np.zeros((0, 2)), "no samples"),
    ],
)
def test_inputs_of_the_wrong_kind(x, words):
    y = np.arange(len(x) if x.ndim else 1) % 2
    assert words in refused(x, y)


def test_parts_that_do_not_fit_each_other():
    y = np.arange(40) % 2
    assert "samples of val have shape (4,) and those of train (5,)" in refused(vectors(), y, vectors()[:, :4], y)
    x = numbers().integers(0, 256, (40, 1, 8, 8), dtype=np.uint8)
    assert "the same scale?" in refused(x, y, x.astype(np.float32) / 255, y)


def test_integers_and_doubles_become_floats():
    assert made(vectors().astype(np.float64), np.arange(40) % 2).train.inputs.dtype == torch.float32
    assert made(numbers().integers(0, 9, (40, 3)), np.arange(40) % 2).train.inputs.dtype == torch.float32
    assert made(vectors()[:, 0], np.arange(40) % 2).shape == (1,)
    assert made(vectors().astype(">f4"), np.arange(40) % 2).train.inputs.dtype == torch.float32


# ------------------------------------------------------------------------------------------------------------- targets


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.r_[np.arange(39) % 3, -1], "the target of sample 39 is -1, expected class numbers from 0"),
        (np.arange(40) % 3 + 1, "class numbers go from 1 to 3"),
        (np.r_[np.arange(39) % 3, 900], "class numbers go up to 900 and 4 different ones occur"),
        (np.zeros(40, dtype=int), "all samples are of one class, '0'"),
        (np.arange(40), "40 different whole numbers in 40 samples: classes or numbers?"),
        (np.array(["a"] * 40), "all samples are of one class, 'a'"),
        (np.r_[np.arange(39.0), np.nan], "the target of sample 39 is nan"),
        (np.array([1j] * 40), "complex128"),
        (np.array([["a", "b"]] * 40), "are texts, expected one a sample"),
        (np.zeros((40, 2, 2)), "targets of shape (40, 2, 2)"),
        (np.zeros((40, 2, 2)), "segmentation, which is not trained here"),
    ],
)
def test_targets_that_cannot_be_learnt(y, words):
    message = refused(vectors(), y)
    assert words in message and "data.npz" in message


def test_classes_asked_for_must_be_whole():
    message = refused(vectors(), np.r_[np.arange(39) % 3, 1.5], task="classes")
    assert "the target of sample 39 is 1.5" in message and "--task numbers" in message
    assert "numbers were asked for and the targets are texts" in refused(vectors(), ["a", "b"] * 20, task="numbers")
    assert "several numbers" in refused(vectors(), np.ones((40, 2)), task="classes")


def test_a_class_number_beyond_the_names():
    message = refused(vectors(), np.r_[np.arange(39) % 2, 2], classes=("no", "yes"))
    assert "the target of sample 39 is 2, expected class numbers from 0 to 1" in message


def test_classes_of_val_that_training_does_not_have():
    y = np.arange(40) % 2
    message = refused(vectors(), y, vectors(40, 1), y + (np.arange(40) == 7) * 2)
    assert "class '3' of val never occurs in training" in message and "val.npz" in message
    assert "in training: it cannot be learnt" in message and "samples of it, or leave it out" in message
    several = refused(vectors(), y, vectors(40, 1), y + (np.arange(40) < 2) * 2)
    assert "classes '2', '3' of val never occur in training: they cannot be learnt" in several
    assert "samples of them, or leave them out" in several


def test_the_task_is_found_from_the_targets():
    assert made(vectors(), np.arange(40) % 3).task == "classes"
    two = made(vectors(), np.arange(40) % 2)
    assert (two.task, two.outputs) == ("binary", 1)
    assert (made(vectors(), np.arange(40) % 2, task="classes").outputs) == 2
    assert made(vectors(), np.arange(40) % 2 == 1).classes == ("no", "yes")
    assert made(vectors(), ["b", "a", "c", "a"] * 10).classes == ("a", "b", "c")
    assert made(vectors(), [b"b", b"a"] * 20).classes == ("a", "b")
    assert made(vectors(), numbers().random(40)).task == "numbers"
    several = made(vectors(), numbers().random((40, 3)))
    assert (several.task, several.outputs, several.train.targets.shape) == ("numbers", 3, (28, 3))
    assert several.target_mean.shape == (3,)
    assert made(vectors(), numbers().random((40, 1))).train.targets.shape == (28,)
    assert made(vectors(), np.arange(40), task="numbers").task == "numbers"


def test_what_was_decided_is_said():
    data = made(vectors(), np.arange(40) % 2 * 1.0)
    assert data.task == "binary" and any("0.0 and 1.0: taken as no and yes" in note for note in data.notes)
    data = made(vectors(), np.eye(4)[np.arange(40) % 4])
    assert data.task == "classes" and any("single 1 in each row: taken as classes" in note for note in data.notes)
    data = made(vectors(), np.arange(40) % 3 * 1.0)
    said = "the targets are 3 different whole numbers, stored as floats: taken as numbers (--task classes otherwise)"
    assert data.task == "numbers" and said in data.notes
    assert not any("whole numbers" in note for note in made(vectors(), np.arange(40) % 3 * 0.3).notes)
    assert not any("whole numbers" in note for note in made(vectors(), np.arange(40.0)).notes)
    assert said not in made(vectors(), np.arange(40) % 3 * 1.0, task="numbers").notes
    data = made(vectors(), np.arange(40) % 3 * 2)
    assert data.outputs == 5 and any("no sample is of class '1', '3'" in note for note in data.notes)


# --------------------------------------------------------------------------------------------------------------- notes


def test_samples_grouped_by_class_are_a_note():
    assert any("grouped by class" in note for note in made(vectors(60), np.repeat([0, 1, 2], 20)).notes)
    assert not any("grouped" in note for note in made(vectors(60), np.arange(60) % 3).notes)


def test_rare_and_uneven_classes_are_notes():
    y = np.r_[np.zeros(110, int), np.ones(4, int)][numbers().permutation(114)]
    notes = made(vectors(114), y).notes
    assert any("fewer than 10 training samples of class '1' (3)" in note for note in notes)
    assert any("always saying '0' is right in 96 % of cases" in note for note in notes)


def test_most_of_val_in_training_is_an_error_and_some_is_a_note():
    x, y = vectors(), np.arange(40) % 2
    other = vectors(20, seed=1)
    message = refused(x, y, np.r_[x[5:20], other[:5]], np.arange(20) % 2)
    assert "15 of the 20 samples of val occur in train, bit for bit: sample 0 is sample 5 of train" in message
    data = made(x, y, np.r_[other[:15], x[30:35]], np.arange(20) % 2)
    assert any("5 of the 20 samples of val occur in train" in note for note in data.notes)
    assert not any("occur in train" in note for note in made(x, y, other, np.arange(20) % 2).notes)


def test_data_that_repeat_themselves_are_no_error():
    x = np.array([[0, 1], [1, 0]] * 20, dtype=np.float32)
    y = np.arange(40) % 2
    assert any("occur in train" in note for note in made(x, y, x[:10], y[:10]).notes)
    # split by nnlint: the samples repeat, nobody mixed them up
    repeated = np.repeat(vectors(20), 2, axis=0)
    note = next(note for note in made(repeated, y).notes if "occur in train" in note)
    # each is the one beside it in what was given, not in a part of it
    one, other = map(int, re.findall(r"sample (\d+)", note))
    assert one // 2 == other // 2 and not note.endswith("of train")


def test_what_is_too_large_is_not_compared_and_that_is_said(monkeypatch):
    monkeypatch.setattr(overlap, "MOST_BYTES", 100)
    assert any("not looked for samples" in note for note in made(vectors(), np.arange(40) % 2).notes)


def test_two_training_samples_are_needed():
    assert "1 training sample, expected at least 2" in refused(vectors(1), [0.5], vectors(1, 1), [0.5])


# ---------------------------------------------------------------------------------------------------------- statistics


@pytest.mark.parametrize("shape", [(37,), (37, 4), (37, 3, 5, 4)])
def test_mean_and_deviation_of_pieces_are_those_of_the_whole(shape, monkeypatch):
    monkeypatch.setattr(parts, "CHUNK_BYTES", 400)
    samples = (numbers().random(shape) + 1e6).astype(np.float64)
    mean, std = mean_and_std(samples)
    axes = tuple(axis for axis in range(len(shape)) if axis != 1)
    assert np.allclose(mean, samples.mean(axes), rtol=1e-12)
    assert np.allclose(std, samples.std(axes), rtol=1e-6)


@pytest.mark.parametrize("value", [0.1, 0.0, -3e7, 1e-30])
def test_constant_features_have_deviation_one(value):
    mean, std = mean_and_std(np.full((1003, 2), value, dtype=np.float32))
    assert std.tolist() == [1.0, 1.0] and np.allclose(mean, value, rtol=1e-6, atol=0)


@pytest.mark.parametrize("unit", [1e-30, 1e-10, 1.0, 1e20])
def test_a_feature_may_have_any_unit(unit):
    samples = numbers().normal(size=(200, 3)).astype(np.float32) * np.float32(unit)
    _, std = mean_and_std(samples)
    assert np.allclose(std, samples.std(0, dtype=np.float64), rtol=1e-6, atol=0)


def test_a_deviation_that_float32_cannot_hold_divides_nothing():
    samples = np.zeros((100, 1), dtype=np.float32)
    samples[0] = 1e-44
    assert mean_and_std(samples)[1].tolist() == [1.0]


@pytest.mark.parametrize(("total", "count"), [(5, 8), (8, 8), (9, 8), (1000, 512), (8000, 2000), (100_003, 2000)])
def test_some_samples_are_from_all_over_and_of_all_classes_in_turns(total, count):
    found = places(total, count)
    assert len(found) == min(total, count)
    assert len({*found}) == len(found) and found == sorted(found) == places(total, count)
    assert found[0] <= total / len(found) and found[-1] >= total - 1 - total / len(found)
    if total >= 1000:
        assert {place % 4 for place in found} == {0, 1, 2, 3}

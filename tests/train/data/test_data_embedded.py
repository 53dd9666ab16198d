"""The data sets of the package: what is in them, where they come from, and that they are small."""

from pathlib import Path

import numpy as np
import pytest
import torch
from made_data import problem

import nnlint.train.data
from nnlint.train.data.embedded import NAMES
from nnlint.train.data.load import load_data

FOLDER = Path(nnlint.train.data.__file__).parent


def test_digits_are_grey_images_of_ten_classes():
    data = load_data("digits")
    assert data.task == "classes" and data.shape == (1, 8, 8) and data.outputs == 10
    assert data.classes == tuple("0123456789")
    assert data.train.inputs.dtype == torch.uint8 and data.train.targets.dtype == torch.int64
    assert data.train.inputs.max() == 255 and data.train.inputs.min() == 0
    every = torch.cat([part.targets for part in (data.train, data.val, data.test)])
    assert every.bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert data.notes == ()


def test_breast_cancer_is_yes_or_no():
    data = load_data("breast-cancer")
    assert data.task == "binary" and data.shape == (30,) and data.outputs == 1
    assert data.classes == ("malignant", "benign")
    assert (len(data.train), len(data.val), len(data.test)) == (398, 57, 114)
    every = torch.cat([part.targets for part in (data.train, data.val, data.test)])
    assert every.bincount().tolist() == [212, 357]


def test_diabetes_is_numbers():
    data = load_data("diabetes")
    assert data.task == "numbers" and data.shape == (10,) and data.outputs == 1 and data.classes == ()
    assert data.train.targets.dtype == torch.float32 and data.train.targets.shape == (309,)
    assert data.target_mean.item() == pytest.approx(data.train.targets.mean().item(), rel=1e-5)
    assert data.target_std.item() == pytest.approx(data.train.targets.std(correction=0).item(), rel=1e-5)
    standardised = (data.train.targets - data.target_mean) / data.target_std
    assert standardised.shape == (309,)


@pytest.mark.parametrize("name", NAMES)
def test_inputs_are_standardised_by_the_training_part_alone(name):
    data = load_data(name)
    inputs = data.train.inputs.double()
    dims = (0, 2, 3) if inputs.ndim == 4 else (0,)
    assert torch.allclose(data.mean.double(), inputs.mean(dims), rtol=1e-5)
    assert torch.allclose(data.std.double(), inputs.std(dims, correction=0), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("digits", ("Alpaydin", "Kaynak", "UCI", "CC BY 4.0", "70/10/20")),
        ("breast-cancer", ("Wolberg", "Mangasarian", "Street", "UCI", "CC BY 4.0", "70/10/20")),
        ("diabetes", ("Efron", "Hastie", "Johnstone", "Tibshirani", "no licence stated", "70/10/20")),
    ],
)
def test_the_source_and_the_licence_are_stated(name, words):
    source = load_data(name).source
    licences = (FOLDER / "LICENSES.md").read_text(encoding="utf-8")
    assert all(word in source for word in words)
    assert f"{name}.npz" in licences
    assert all(word in licences for word in words[:-2] if not word.isupper() and word != "no licence stated")


def test_they_are_small_and_hold_no_pickles():
    files = [FOLDER / f"{name}.npz" for name in NAMES]
    assert sum(file.stat().st_size for file in files) < 120_000
    for file in files:
        with np.load(file, allow_pickle=False) as stored:
            assert sorted(stored.files) == ["x", "y"]


def test_a_task_that_the_targets_do_not_allow_is_an_error():
    assert "yes or no was asked for and there are 10 classes" in problem("digits", task="binary")
    assert load_data("breast-cancer", task="classes").outputs == 2
    assert load_data("digits", task="numbers").train.targets.dtype == torch.float32
    assert "class numbers go from 25 to 346, expected them to start at 0" in problem("diabetes", task="classes")

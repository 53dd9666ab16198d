"""The forms of data are told apart with certainty, and what is none of them says so."""

import numpy as np
import pytest
from made_data import pictures, problem

from nnlint.train.data.embedded import NAMES
from nnlint.train.data.load import load_data


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_an_unknown_name_lists_names_and_forms_and_guesses():
    message = problem("diggits")
    assert "no data are called 'diggits'" in message and "did you mean 'digits'?" in message
    for word in (*NAMES, "root/train/CLASS", "nnlint prepare", ".npz", "train_x.npy", ".csv", "module:function"):
        assert word in message


def test_a_path_that_does_not_exist_names_what_is_beside_it(tmp_path):
    (tmp_path / "Numbers.npz").write_bytes(b"")
    message = problem("numbrs.npz")
    assert "numbrs.npz: there is no such file or folder" in message and "did you mean 'Numbers.npz'?" in message
    assert "no folder nowhere" in problem("nowhere/x.npz")


def test_a_name_is_the_embedded_set_and_a_path_the_folder(tmp_path):
    pictures(tmp_path / "digits", {"train": 12, "val": 3})
    named = load_data("digits")
    assert named.shape == (1, 8, 8)
    assert any("./digits" in note for note in named.notes)
    assert load_data("./digits").shape == (3, 10, 12)


def test_a_file_of_another_kind_lists_the_forms(tmp_path):
    (tmp_path / "data.parquet").write_bytes(b"PAR1")
    message = problem("data.parquet")
    assert "ends in .parquet is none of the forms" in message and ".npz" in message


def test_a_python_file_needs_a_function(tmp_path):
    (tmp_path / "mine.py").write_text("def data(): pass")
    assert "--data mine.py:function" in problem("mine.py")


def test_options_of_another_form_are_errors(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((4, 3)), y=np.array([0, 1, 0, 1]))
    assert "--target: 'a.npz' is no table" in problem("a.npz", target="y")
    assert "--target: 'digits' is no table" in problem("digits", target="y")
    message = problem("b.npz", target="y")
    assert "b.npz: there is no such file or folder" in message and "did you mean 'a.npz'?" in message
    assert "no data are called 'diggits'" in problem("diggits", target="y")
    assert "'mine.py:data' is no table" in problem("mine.py:data", target="y")
    assert "--size: samples have shape (30,): only images have a size" in problem("breast-cancer", size=(8, 8))
    assert "--size: images cannot be 0 × 8" in problem("digits", size=(0, 8))
    assert "--task: no task is called 'guess'" in problem("digits", task="guess")


def test_a_size_is_given_to_images_of_every_form():
    data = load_data("digits", size=(16, 12))
    assert data.shape == (1, 16, 12) and data.train.inputs.shape == (1257, 1, 16, 12)


def test_an_unreadable_path_says_so(tmp_path, monkeypatch):
    from pathlib import Path

    def refuse(self, **options):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "exists", refuse)
    message = problem("secret.npz")
    assert "secret.npz: you may not read it" in message and "permissions" in message

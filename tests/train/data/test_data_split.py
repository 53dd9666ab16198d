"""The split: exact sizes, by class, the same for ever."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlint.errors import UsageError
from nnlint.train.data.load import load_data
from nnlint.train.data.split import carve, split

LABELS = st.lists(st.integers(0, 5), min_size=12, max_size=300).map(np.array)


@given(LABELS)
@settings(max_examples=80, deadline=None)
def test_every_sample_is_in_exactly_one_part(labels):
    parts = split(len(labels), labels, "here")
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))
    assert all(len(part) > 0 for part in parts)


@given(LABELS)
@settings(max_examples=80, deadline=None)
def test_every_class_can_be_learnt_and_each_part_has_its_share(labels):
    train, val, test = split(len(labels), labels, "here")
    assert set(labels[train]) == set(labels)
    for value in set(labels.tolist()):
        count = (labels == value).sum()
        # one sample of each class is for training whatever happens: shares are of the rest
        assert abs((labels[test] == value).sum() - (count - 1) * len(test) / (len(labels) - len(set(labels)))) <= 1
        assert abs((labels[val] == value).sum() - (count - 1) * len(val) / (len(labels) - len(set(labels)))) <= 2


@given(st.integers(3, 400))
@settings(max_examples=50, deadline=None)
def test_without_classes_the_sizes_are_right(samples):
    train, val, test = split(samples, None, "here")
    assert len(train) + len(val) + len(test) == samples
    assert len(val) == max(1, round(0.1 * samples))
    assert min(len(train), len(test)) >= 1


def test_the_split_is_the_same_in_every_version():
    # results of an earlier version are judged by the same samples: these hashes never change
    labels = np.arange(1000) % 7
    parts = split(1000, labels, "here")
    assert [len(part) for part in parts] == [700, 100, 200]
    text = ",".join(str(index) for part in parts for index in part)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "0b5f17fa92852656"


def test_samples_set_apart_are_spread_over_the_classes():
    labels = np.repeat(np.arange(4), 25)
    kept, apart = carve(100, labels, 0.2, "here")
    assert len(kept) == 80 and len(apart) == 20
    assert np.bincount(labels[apart]).tolist() == [5, 5, 5, 5]


def test_too_few_samples_are_an_error():
    with pytest.raises(UsageError, match="3 samples of 2 classes are too few"):
        split(3, np.array([0, 1, 1]), "here")
    with pytest.raises(UsageError, match="2 samples are too few"):
        split(2, None, "here")
    with pytest.raises(UsageError, match="too few to set some apart"):
        carve(2, np.array([0, 1]), 0.5, "here")


@pytest.mark.parametrize("seed", [0, 1, 77])
def test_the_seed_of_a_training_does_not_change_the_split(seed):
    digits = load_data("digits", seed=seed)
    assert (len(digits.train), len(digits.val), len(digits.test)) == (1257, 180, 360)
    assert digits.test.targets[:8].tolist() == load_data("digits").test.targets[:8].tolist()

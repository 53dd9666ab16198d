import pytest
import torch

from nnlint.errors import UsageError
from nnlint.train.augment import augmented, check

IMAGES = torch.arange(1.0, 6 * 2 * 16 * 16 + 1).reshape(6, 2, 16, 16)
SAMPLES = torch.tensor([3, 1, 4, 159, 26, 5])


def test_a_sample_is_changed_alike_in_every_batch():
    names = ("shift", "flip")
    whole = augmented(IMAGES, SAMPLES, names, 0, 7)
    order = torch.tensor([5, 0, 2])
    assert torch.equal(augmented(IMAGES[order], SAMPLES[order], names, 0, 7), whole[order])


@pytest.mark.parametrize(("seed", "epoch"), [(1, 7), (0, 8)])
def test_it_is_changed_otherwise_with_another_seed_or_epoch(seed, epoch):
    first = augmented(IMAGES, SAMPLES, ("shift",), 0, 7)
    assert not torch.equal(first, augmented(IMAGES, SAMPLES, ("shift",), seed, epoch))


def test_a_shift_moves_by_an_eighth_at_most_and_brings_in_zeros():
    shifts = set()
    for epoch in range(60):
        moved = augmented(IMAGES[:1], SAMPLES[:1], ("shift",), 0, epoch)[0, 0]
        padded = torch.nn.functional.pad(IMAGES[0, 0], (2, 2, 2, 2))
        fits = [(i, j) for i in range(5) for j in range(5) if torch.equal(moved, padded[i : i + 16, j : j + 16])]
        assert len(fits) == 1
        shifts.update(fits)
    assert len(shifts) > 15  # of 25


def test_half_of_the_samples_are_flipped():
    images = IMAGES[:1].expand(1000, -1, -1, -1)
    flipped = augmented(images, torch.arange(1000), ("flip",), 3, 0)
    count = sum(torch.equal(image, IMAGES[0].flip(2)) for image in flipped)
    assert 430 < count < 570
    assert count + sum(torch.equal(image, IMAGES[0]) for image in flipped) == 1000


def test_an_unknown_one_is_named_with_those_there_are():
    with pytest.raises(UsageError, match=r"there is no 'rotate'(.|\n)*shift, flip"):
        check(("shift", "rotate"))

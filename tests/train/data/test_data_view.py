"""Images as a network takes them."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_data import numbers
from PIL import Image
from torch.nn.functional import interpolate

from nnlint.errors import UsageError
from nnlint.train.data import view
from nnlint.train.data.assemble import Raw, assemble
from nnlint.train.data.load import load_data
from nnlint.train.data.model import Arrays, Stream
from nnlint.train.data.parts import Part
from nnlint.train.data.view import shown, viewed
from nnlint.train.normalise import Normaliser


def colours():
    x = numbers().integers(0, 256, (40, 3, 10, 8), dtype=np.uint8)
    return assemble(Raw("colours", "made", {"all": Part(x, np.arange(40) % 2, "colours")}))


def test_nothing_is_copied_where_nothing_changes():
    data = load_data("digits")
    for channels, size in ((None, None), (1, None), (None, (8, 8)), (1, (8, 8))):
        assert viewed(data, channels, size) is data
    cancer = load_data("breast-cancer")
    assert viewed(cancer, None, None) is cancer


def test_grey_is_repeated_and_its_statistics_with_it():
    data = load_data("digits")
    seen = viewed(data, 3, None)
    assert seen.shape == (3, 8, 8) and seen.train.inputs.dtype == torch.uint8
    assert all(torch.equal(seen.train.inputs[:, index], data.train.inputs[:, 0]) for index in range(3))
    assert torch.equal(seen.mean, data.mean.repeat(3)) and torch.equal(seen.std, data.std.repeat(3))
    assert seen.test.inputs.shape == (360, 3, 8, 8) and seen.test.targets is data.test.targets
    assert data.shape == (1, 8, 8)  # what it was made of is as it was


def test_colours_become_luminance_as_pillow_has_it():
    data = colours()
    seen = viewed(data, 1, None)
    expected = [np.asarray(Image.fromarray(one.permute(1, 2, 0).numpy()).convert("L")) for one in data.train.inputs]
    assert np.abs(seen.train.inputs[:, 0].numpy().astype(int) - np.stack(expected)).max() <= 1
    assert seen.mean.item() == pytest.approx(seen.train.inputs.double().mean().item(), rel=1e-5)
    assert seen.std.item() == pytest.approx(seen.train.inputs.double().std(correction=0).item(), rel=1e-5)


@pytest.mark.parametrize("size", [(16, 16), (5, 4), (20, 4), (1, 1)])
def test_sizes_change_bilinearly_and_average_when_they_shrink(size):
    data = colours()
    seen = viewed(data, 3, size)
    expected = interpolate(data.train.inputs.float(), size=size, mode="bilinear", antialias=True)
    assert seen.shape == (3, *size) and seen.train.inputs.dtype == torch.uint8
    assert (seen.train.inputs.float() - expected).abs().max() <= 0.5 + 1e-3
    assert torch.allclose(seen.mean.double(), seen.train.inputs.double().mean((0, 2, 3)), rtol=1e-5)
    assert len(seen.val) == len(data.val) and seen.val.inputs.shape[2:] == size


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.booleans(), st.integers(0, 255))
@settings(max_examples=40, deadline=None)
def test_a_plain_image_stays_plain(height, width, rows, columns, floats, value):
    images = torch.full((2, 1, height, width), value, dtype=torch.float32 if floats else torch.uint8)
    result = shown(images, (3, rows, columns))
    assert result.shape == (2, 3, rows, columns) and result.dtype == images.dtype
    assert (result.float() - value).abs().max() < 1e-3


def test_pieces_make_no_difference(monkeypatch):
    images = torch.from_numpy(numbers().integers(0, 256, (13, 3, 9, 7), dtype=np.uint8))
    whole = shown(images, (1, 5, 6))
    monkeypatch.setattr(view, "_PIECE", 200)
    assert torch.equal(shown(images, (1, 5, 6)), whole)


def test_floats_are_not_clipped():
    images = torch.tensor([[[[-5.0, 300.5]]]])
    assert shown(images, (3, 1, 2))[0, 2].tolist() == [[-5.0, 300.5]]


@pytest.mark.parametrize(("have", "want"), [(3, 4), (1, 2), (3, 2)])
def test_channels_that_cannot_be_made(have, want):
    data = load_data("digits") if have == 1 else colours()
    with pytest.raises(UsageError, match=f"images have {have} channels and the network takes {want}"):
        viewed(data, want, None)


def test_vectors_are_no_images():
    with pytest.raises(UsageError, match=r"samples have shape \(30,\), and the network takes images"):
        viewed(load_data("breast-cancer"), 3, (32, 32))
    with pytest.raises(UsageError, match="0 × 3 pixels"):
        viewed(load_data("digits"), None, (0, 3))


def test_what_does_not_fit_the_memory_is_changed_when_it_is_used(monkeypatch):
    data = colours()
    expected = viewed(data, 1, (6, 6))
    monkeypatch.setattr(view, "free_memory", lambda: 1000)
    seen = viewed(data, 1, (6, 6))
    assert isinstance(seen.train, Stream) and seen.train.samples == 28
    images = torch.stack([seen.train.dataset[index][0] for index in range(28)])
    assert torch.equal(images, expected.train.inputs)
    batch, _ = next(iter(torch.utils.data.DataLoader(seen.train.dataset, batch_size=28)))
    assert torch.equal(batch, expected.train.inputs)
    assert [int(seen.train.dataset[index][1]) for index in range(28)] == expected.train.targets.tolist()
    # fewer samples than are looked at: the same statistics
    assert torch.allclose(seen.mean, expected.mean) and torch.allclose(seen.std, expected.std)


def test_samples_that_stand_for_all_are_from_all_over_a_data_set(monkeypatch):
    class Numbered(torch.utils.data.Dataset):
        def __len__(self):
            return 1000

        def __getitem__(self, index):
            return torch.tensor([index]), 0

    some = view.sample(Stream(dataset=Numbered(), samples=1000), 512)
    assert len(some) == 512 and some.min() < 2 and some.max() >= 998
    # brighter and brighter: those of the first half are no sample
    images = torch.arange(200, dtype=torch.uint8)[:, None, None, None].expand(200, 3, 4, 4)
    arrays = Arrays(images, torch.arange(200) % 2)
    data = replace(colours(), train=arrays, shape=(3, 4, 4), mean=torch.full((3,), 99.5), std=torch.full((3,), 57.7))
    monkeypatch.setattr(view, "_SAMPLE", 101)
    monkeypatch.setattr(view, "free_memory", lambda: 1000)
    assert viewed(data, 1, (4, 4)).mean.item() == pytest.approx(99.5, abs=2)


def test_inputs_that_are_taken_as_they_come_stay_so():
    data = replace(colours(), mean=None, std=None)
    seen = viewed(data, 1, (4, 4))
    assert seen.mean is None and seen.std is None and isinstance(seen.train, Arrays)


def test_images_as_vectors_share_their_memory_and_the_statistics_of_their_channels():
    data = colours()
    seen = viewed(data, None, None, flat=True)
    assert seen.shape == (240,) and seen.train.inputs.dtype == torch.uint8
    assert seen.train.inputs.data_ptr() == data.train.inputs.data_ptr()
    assert torch.equal(seen.val.inputs, data.val.inputs.reshape(len(data.val), 240))
    assert len(seen.mean) == len(seen.std) == 240
    assert torch.equal(seen.mean.reshape(3, 10, 8), data.mean[:, None, None].expand(3, 10, 8))
    assert torch.equal(Normaliser(seen).inputs(seen.val.inputs), Normaliser(data).inputs(data.val.inputs).flatten(1))


def test_images_are_resized_before_they_become_vectors():
    data = load_data("digits")
    images, vectors = viewed(data, 3, (4, 6)), viewed(data, 3, (4, 6), flat=True)
    assert vectors.shape == (72,)
    assert torch.equal(vectors.test.inputs, images.test.inputs.flatten(1))
    assert torch.equal(vectors.std, images.std.repeat_interleave(24))


def test_pixels_that_are_taken_as_they_come_are_scaled_as_vectors_too():
    data = replace(load_data("digits"), mean=None, std=None)
    seen = viewed(data, None, None, flat=True)
    assert seen.mean is None and seen.std is None
    assert torch.equal(Normaliser(seen).inputs(seen.val.inputs), Normaliser(data).inputs(data.val.inputs).flatten(1))


def test_streams_become_vectors_as_they_are_used():
    data = load_data("digits")
    rows = torch.utils.data.TensorDataset(data.train.inputs, data.train.targets)
    seen = viewed(replace(data, train=Stream(dataset=rows, samples=len(rows))), 3, (4, 4), flat=True)
    expected = viewed(data, 3, (4, 4)).train.inputs.flatten(1)
    assert torch.equal(seen.train.dataset[5][0], expected[5]) and seen.train.dataset[5][1] == data.train.targets[5]
    loaded = torch.utils.data.DataLoader(pickle.loads(pickle.dumps(seen.train.dataset)), batch_size=16)
    assert torch.equal(next(iter(loaded))[0], expected[:16])
    loader = torch.utils.data.DataLoader(rows, batch_size=16)
    seen = viewed(replace(data, train=Stream(loader=loader, samples=len(rows))), 3, (4, 4), flat=True)
    inputs, targets = next(iter(seen.train.loader))
    assert torch.equal(inputs, expected[:16]) and torch.equal(targets, data.train.targets[:16])
    assert seen.train.loader.batch_size == 16 and len(seen.train.loader) == len(loader)


def test_vectors_stay_vectors():
    cancer = load_data("breast-cancer")
    assert viewed(cancer, None, None, flat=True) is cancer

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from nnlint.errors import NnlintError
from nnlint.train import batches
from nnlint.train.config import TrainConfig
from nnlint.train.data.model import Arrays, Data, Stream
from nnlint.train.distributed import ALONE, World
from nnlint.train.hardware import Hardware

CPU = Hardware(torch.device("cpu"))


def data(count=10, train=None, **more):
    inputs = torch.arange(count * 3, dtype=torch.float32).reshape(count, 3)
    arrays = Arrays(inputs, torch.arange(count) % 2)
    return Data("t", "made up", "classes", (3,), 2, train or arrays, arrays, **more)


def rows(batch):
    return [int(value) // 3 for value in batch[0][:, 0]]


def epoch_of(data, config, number=0, world=ALONE):
    return list(batches.training(data, config, CPU, world).epoch(number))


def test_every_sample_is_seen_once_an_epoch_in_another_order_each_time():
    config = TrainConfig(batch_size=4)
    first, second = ([row for batch in epoch_of(data(), config, number) for row in rows(batch)] for number in (0, 1))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_the_order_hangs_on_seed_and_epoch_alone():
    torch.manual_seed(1)
    one = [rows(batch) for batch in epoch_of(data(), TrainConfig(batch_size=4, seed=7), 3)]
    torch.manual_seed(2)
    assert one == [rows(batch) for batch in epoch_of(data(), TrainConfig(batch_size=4, seed=7), 3)]
    assert one != [rows(batch) for batch in epoch_of(data(), TrainConfig(batch_size=4, seed=8), 3)]


@pytest.mark.parametrize(("count", "sizes"), [(9, [4, 4]), (10, [4, 4, 2]), (8, [4, 4])])
def test_a_last_batch_of_one_is_left_out(count, sizes):
    found = batches.training(data(count), TrainConfig(batch_size=4), CPU, ALONE)
    assert [len(batch[1]) for batch in found.epoch(0)] == sizes
    assert (found.samples, found.steps) == (sum(sizes), len(sizes))


def test_one_sample_makes_no_batch():
    with pytest.raises(NnlintError, match="1 training samples make no batch"):
        batches.training(data(1), TrainConfig(), CPU, ALONE)


def test_processes_share_each_global_batch():
    config = TrainConfig(batch_size=4)
    alone = [rows(batch) for batch in epoch_of(data(11), config)]
    first, second = (epoch_of(data(11), config, world=World(rank, 2, rank)) for rank in (0, 1))
    together = [sorted(rows(a) + rows(b)) for a, b in zip(first, second, strict=True)]
    # of the last three samples one would be alone in its process
    assert together == [sorted(batch) for batch in alone[:2]]


def test_an_uneven_part_counts_as_much_as_it_has_samples():
    config = TrainConfig(batch_size=10)
    shares = [[batch[2] for batch in epoch_of(data(15), config, world=World(rank, 2, rank))] for rank in (0, 1)]
    assert shares == [[1.0, 1.2], [1.0, 0.8]]


def test_judging_sees_every_sample_once_whatever_the_number_of_processes():
    whole = data(11)
    seen = [
        row
        for rank in range(3)
        for batch in batches.judging(whole, whole.val, TrainConfig(), CPU, World(rank, 3, rank)).epoch(0)
        for row in rows(batch)
    ]
    assert sorted(seen) == list(range(11))


def test_inputs_and_targets_are_standardised():
    mean, std = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 2.0, 4.0])
    inputs = torch.tensor([[1.0, 2.0, 3.0], [3.0, 0.0, 7.0]])
    arrays = Arrays(inputs, torch.tensor([10.0, 30.0]))
    numbers = Data(
        "t", "s", "numbers", (3,), 1, arrays, arrays, mean=mean, std=std,
        target_mean=torch.tensor(20.0), target_std=torch.tensor(10.0),
    )  # fmt: skip
    ((found, targets, _),) = batches.judging(numbers, arrays, TrainConfig(), CPU, ALONE).epoch(0)
    assert found.tolist() == [[0, 0, 0], [1, -1, 1]]
    assert targets.tolist() == [-1, 1]


def test_images_kept_as_bytes_give_the_numbers_of_those_normalised_ahead(monkeypatch):
    images = torch.randint(0, 256, (6, 2, 4, 4), dtype=torch.uint8)
    arrays = Arrays(images, torch.arange(6) % 2)
    whole = Data(
        "t",
        "s",
        "classes",
        (2, 4, 4),
        2,
        arrays,
        arrays,
        mean=torch.tensor([100.0, 90.0]),
        std=torch.tensor([50.0, 40.0]),
    )
    ahead = epoch_of(whole, TrainConfig(batch_size=3))
    monkeypatch.setattr(batches, "AHEAD", 0)
    later = epoch_of(whole, TrainConfig(batch_size=3))
    assert all(torch.equal(a[0], b[0]) for a, b in zip(ahead, later, strict=True))


def test_a_data_set_comes_in_the_order_of_arrays():
    arrays = data().train
    stream = data(train=Stream(dataset=TensorDataset(arrays.inputs, arrays.targets)))
    config = TrainConfig(batch_size=4)
    assert [rows(b) for b in epoch_of(stream, config, 2)] == [rows(b) for b in epoch_of(data(), config, 2)]


def test_a_loader_of_the_users_is_taken_as_it_is_and_told_the_epoch():
    class Told(torch.utils.data.SequentialSampler):
        epochs = []  # noqa: RUF012

        def set_epoch(self, number):
            self.epochs.append(number)

    arrays = data().train
    samples = TensorDataset(arrays.inputs, arrays.targets)
    loader = DataLoader(samples, batch_size=3, sampler=Told(samples))
    stream = data(train=Stream(loader=loader, samples=10))
    assert [rows(batch) for batch in epoch_of(stream, TrainConfig(), 5)] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert Told.epochs == [5]


def test_a_loader_without_a_length_is_refused():
    class Endless(torch.utils.data.IterableDataset):
        def __iter__(self):
            yield from ()

    stream = data(train=Stream(loader=DataLoader(Endless(), batch_size=2)))
    with pytest.raises(NnlintError, match="does not say how many batches"):
        batches.training(stream, TrainConfig(), CPU, ALONE)

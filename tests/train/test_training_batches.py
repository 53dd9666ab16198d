import pytest
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset

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


def images(kind):
    arrays = Arrays(torch.arange(10 * 64, dtype=torch.float32).reshape(10, 1, 8, 8), torch.arange(10) % 2)
    samples = TensorDataset(arrays.inputs, arrays.targets)
    train = {
        "arrays": arrays,
        "data set": Stream(dataset=samples, samples=10),
        "loader": Stream(loader=DataLoader(samples, batch_size=4)),
    }
    return Data("t", "s", "classes", (1, 8, 8), 2, train[kind], arrays)


@pytest.mark.parametrize("world", [ALONE, World(1, 2, 1)])
def test_a_sample_is_changed_alike_in_arrays_and_in_a_data_set(world):
    config = TrainConfig(batch_size=4, augment=("shift", "flip"))
    changed, also = (epoch_of(images(kind), config, 3, world) for kind in ("arrays", "data set"))
    plain = epoch_of(images("data set"), TrainConfig(batch_size=4), 3, world)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(changed, also, strict=True))
    assert not any(torch.equal(a[0], b[0]) for a, b in zip(plain, also, strict=True))


def test_samples_without_numbers_cannot_be_changed():
    with pytest.raises(NnlintError, match="samples of a loader have no numbers"):
        batches.training(images("loader"), TrainConfig(augment=("flip",)), CPU, ALONE)


def test_a_process_may_have_no_sample_to_judge():
    few = data(2)
    found = batches.judging(few, few.val, TrainConfig(), CPU, World(2, 3, 2))
    assert (list(found.epoch(0)), found.samples) == ([], 0)


class Noisy(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return torch.rand(3), index % 2


def test_processes_that_load_draw_the_same_after_a_resume():
    config = TrainConfig(batch_size=4, workers=1, mode="repro", seed=3)
    noisy = data(train=Stream(dataset=Noisy(), samples=8))
    whole = batches.training(noisy, config, CPU, ALONE)
    first, second = (torch.cat([batch[0] for batch in whole.epoch(number)]) for number in (0, 1))
    gone_on = torch.cat([batch[0] for batch in batches.training(noisy, config, CPU, ALONE).epoch(1)])
    assert torch.equal(second, gone_on)
    assert not torch.equal(first, second)


def test_with_channels_last_images_are_laid_out_so():
    hardware = Hardware(torch.device("cpu"), memory_format=torch.channels_last)
    config = TrainConfig(batch_size=4, augment=("shift",))
    arrays = Arrays(torch.randn(10, 3, 8, 8), torch.arange(10) % 2)
    whole = Data("t", "s", "classes", (3, 8, 8), 2, arrays, arrays)
    for found in (
        batches.training(whole, config, hardware, ALONE),
        batches.judging(whole, arrays, config, hardware, ALONE),
    ):
        assert all(batch[0].is_contiguous(memory_format=torch.channels_last) for batch in found.epoch(0))


def test_the_order_of_a_shuffling_loader_hangs_on_seed_and_epoch_alone():
    arrays = data().train
    loader = DataLoader(TensorDataset(arrays.inputs, arrays.targets), batch_size=5, shuffle=True)
    found = batches.training(data(train=Stream(loader=loader, samples=10)), TrainConfig(seed=2), CPU, ALONE)
    orders = []
    for seed, number in ((1, 0), (2, 0), (2, 1)):
        torch.manual_seed(seed)
        orders.append([row for batch in found.epoch(number) for row in rows(batch)])
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == list(range(10))

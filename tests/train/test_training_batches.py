import random

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Sampler,
    SubsetRandomSampler,
    TensorDataset,
)
from torch.utils.data.distributed import DistributedSampler

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


def pairs(count=10):
    arrays = data(count).train
    return TensorDataset(arrays.inputs, arrays.targets)


def loaded(loader):
    return data(train=Stream(loader=loader, samples=len(loader.dataset)))


# -------------------------------------------------------------------------------------- what a loader hands out


class InARow(IterableDataset):
    def __len__(self):
        return 9

    def __iter__(self):
        return iter([(torch.ones(3), 0)] * 9)


@pytest.mark.parametrize(
    ("loader", "steps"),
    [
        (DataLoader(pairs(9), batch_size=4, shuffle=True), 2),
        (DataLoader(pairs(9), batch_size=4, drop_last=True), 2),
        (DataLoader(pairs(10), batch_size=4), 3),
        (DataLoader(pairs(9), batch_sampler=BatchSampler(RandomSampler(pairs(9)), 4, False)), 2),
        (DataLoader(pairs(12), batch_size=4, sampler=SubsetRandomSampler(range(9))), 2),
        (DataLoader(InARow(), batch_size=4), 2),
        (DataLoader(InARow(), batch_size=4, num_workers=1), 2),
    ],
)
def test_a_last_batch_of_one_is_no_step(loader, steps):
    found = batches.training(loaded(loader), TrainConfig(), CPU, ALONE)
    assert found.steps == len(list(found.epoch(0))) == steps


def test_a_loader_with_a_length_of_its_own_is_believed():
    class Cut(DataLoader):
        def __len__(self):
            return 2

    assert batches.training(loaded(Cut(pairs(9), batch_size=4)), TrainConfig(), CPU, ALONE).steps == 2


def test_what_is_judged_by_needs_no_length():
    class Endless(IterableDataset):
        def __iter__(self):
            return iter([(torch.ones(3), 0)] * 5)

    stream = Stream(loader=DataLoader(Endless(), batch_size=2))
    found = batches.judging(data(), stream, TrainConfig(), CPU, ALONE)
    assert [len(batch[1]) for batch in found.epoch(0)] == [2, 2, 1]


def test_a_batch_that_is_nothing_is_not_the_end():
    """What a loader yields by mistake is an error of the training, not a short epoch."""
    loader = DataLoader(pairs(), batch_size=5, collate_fn=lambda _samples: None)
    with pytest.raises(TypeError):
        epoch_of(loaded(loader), TrainConfig())


def test_a_data_set_learns_from_batches_of_one_as_arrays_do():
    stream = data(train=Stream(dataset=pairs(), samples=10))
    config = TrainConfig(batch_size=1)
    assert [rows(batch) for batch in epoch_of(stream, config)] == [rows(batch) for batch in epoch_of(data(), config)]


@pytest.mark.parametrize("kind", ["data set", "loader"])
def test_a_column_of_classes_becomes_a_row(kind):
    arrays = data().train
    column = TensorDataset(arrays.inputs, arrays.targets[:, None].float())
    loader = DataLoader(column, batch_size=4)
    stream = Stream(dataset=column, samples=10) if kind == "data set" else Stream(loader=loader, samples=10)
    for _, targets, _ in epoch_of(data(train=stream), TrainConfig(batch_size=4)):
        assert targets.dim() == 1 and targets.dtype == torch.int64


@pytest.mark.parametrize(
    ("target", "task", "outputs", "told"),
    [
        (2, "classes", 2, "is 2, expected class numbers from 0 to 1"),
        (-100, "classes", 2, "is -100, expected class numbers from 0 to 1"),
        (2, "binary", 1, "is 2, expected class numbers from 0 to 1"),
        (0.5, "binary", 1, "is 0.5, expected class numbers from 0 to 1"),
    ],
)
@pytest.mark.parametrize("kind", ["data set", "loader"])
def test_a_class_that_no_target_read_before_had_is_an_error_of_the_data(kind, target, task, outputs, told):
    arrays = data().train
    targets = arrays.targets.to(torch.tensor(target).dtype)
    targets[9] = target
    held = TensorDataset(arrays.inputs, targets)
    stream = Stream(dataset=held) if kind == "data set" else Stream(loader=DataLoader(held, 4), samples=10)
    whole = Data("mine.py:data", "made up", task, (3,), outputs, stream, stream)
    with pytest.raises(NnlintError) as caught:
        epoch_of(whole, TrainConfig(batch_size=4), number=1)
    message = str(caught.value)
    assert "mine.py:data: a target in batch " in message and "of epoch 2" in message and told in message
    assert "--task numbers" in message and ("`classes`" in message) == (target == 2)
    with pytest.raises(NnlintError, match="in the samples to judge by"):
        list(batches.judging(whole, stream, TrainConfig(), CPU, ALONE).epoch(0))


def test_numbers_may_be_any():
    arrays = data().train
    numbers = Stream(dataset=TensorDataset(arrays.inputs, torch.arange(10) - 4.5))
    whole = Data("t", "made up", "numbers", (3,), 1, numbers, numbers)
    assert sum(len(batch[1]) for batch in epoch_of(whole, TrainConfig(batch_size=4))) == 10


def test_classes_on_a_gpu_are_not_asked_for():
    stream = Stream(dataset=pairs())
    found = batches.training(data(train=stream), TrainConfig(), CPU, ALONE)
    # a tensor without numbers has none to be asked for, as one of a GPU
    assert found._numbered(torch.empty(4, dtype=torch.int64, device="meta"), "batch 1").shape == (4,)


# ----------------------------------------------------------------------------------- what the network does not move


class AnyOrder(Sampler):
    """A batch sampler that draws from whatever generators there are."""

    def __iter__(self):
        order = torch.randperm(10).tolist()
        random.shuffle(order)
        np.random.shuffle(order)
        return iter([order[:5], order[5:]])

    def __len__(self):
        return 2


@pytest.mark.parametrize("sampler", [BatchSampler(RandomSampler(range(10)), 5, False), AnyOrder()])
def test_the_order_of_a_batch_sampler_hangs_on_seed_and_epoch_alone(sampler):
    found = batches.training(loaded(DataLoader(pairs(), batch_sampler=sampler)), TrainConfig(seed=2), CPU, ALONE)
    orders = []
    for seed, number in ((1, 0), (2, 0), (2, 1)):
        torch.manual_seed(seed)
        orders.append([row for batch in found.epoch(number) for row in rows(batch)])
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == list(range(10))


def test_a_distributed_sampler_of_a_batch_sampler_is_told_the_epoch():
    sampler = DistributedSampler(pairs(11), num_replicas=2, rank=1, shuffle=False)
    loader = DataLoader(pairs(11), batch_sampler=BatchSampler(sampler, 3, False))
    epoch_of(loaded(loader), TrainConfig(batch_size=6), 4, World(1, 2, 1))
    assert sampler.epoch == 4
    # the sample that is repeated so that both have six is not judged by
    judged = batches.judging(data(11), Stream(loader=loader, samples=11), TrainConfig(), CPU, World(1, 2, 1))
    assert [row for batch in judged.epoch(0) for row in rows(batch)] == [1, 3, 5, 7, 9]


def test_a_batch_sampler_that_draws_from_all_samples_is_not_divided():
    loader = DataLoader(pairs(), batch_sampler=BatchSampler(RandomSampler(pairs()), 5, False))
    with pytest.raises(NnlintError, match="hands every process the same samples"):
        batches.training(loaded(loader), TrainConfig(), CPU, World(0, 2))
    batches.training(loaded(DataLoader(pairs(), batch_sampler=AnyOrder())), TrainConfig(), CPU, World(0, 2))


class NoisyInAllWays(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return torch.tensor([torch.rand(()), np.random.rand(), random.random()]), index % 2


def noise(found, number=0, between=lambda: None):
    drawn = []
    for inputs, _, _ in found.epoch(number):
        between()
        drawn.append(inputs)
    return torch.cat(drawn)


def dropout():
    torch.rand(7)
    np.random.rand(3)
    random.random()


NOISY = {
    "data set": lambda: Stream(dataset=NoisyInAllWays(), samples=8),
    "loader": lambda: Stream(loader=DataLoader(NoisyInAllWays(), batch_size=4, shuffle=True), samples=8),
    "workers": lambda: Stream(loader=DataLoader(NoisyInAllWays(), batch_size=4, num_workers=1), samples=8),
}
every_kind = pytest.mark.parametrize("kind", NOISY)


@every_kind
def test_what_a_data_set_draws_does_not_hang_on_the_network_nor_move_it(kind):
    found = batches.training(data(train=NOISY[kind]()), TrainConfig(batch_size=4), CPU, ALONE)
    for seed in (torch.manual_seed, np.random.seed, random.seed):
        seed(5)
    alone = noise(found)
    after = torch.rand(1).item(), np.random.rand(), random.random()
    for seed in (torch.manual_seed, np.random.seed, random.seed):
        seed(5)
    assert after == (torch.rand(1).item(), np.random.rand(), random.random())
    assert torch.equal(alone, noise(found, between=dropout))


@every_kind
def test_what_a_data_set_draws_is_known_again_after_a_resume(kind):
    config = TrainConfig(batch_size=4, mode="repro")
    whole = batches.training(data(train=NOISY[kind]()), config, CPU, ALONE)
    first, second = noise(whole, 0), noise(whole, 1)
    assert not torch.equal(first, second)
    assert torch.equal(second, noise(batches.training(data(train=NOISY[kind]()), config, CPU, ALONE), 1))


@pytest.mark.parametrize("workers", [0, 1])
def test_no_two_processes_draw_the_same(workers):
    config = TrainConfig(batch_size=4, workers=workers, mode="repro")
    worlds = [World(rank, 2, rank) for rank in (0, 1)]
    drawn = [noise(batches.training(data(train=NOISY["data set"]()), config, CPU, world)) for world in worlds]
    assert not (drawn[0] == drawn[1]).any()


@pytest.mark.parametrize("generator", [None, "given"])
def test_no_two_processes_draw_the_same_in_a_loader_of_the_users(generator):
    drawn, orders = [], []
    for rank in (0, 1):
        sampler = DistributedSampler(NoisyInAllWays(), num_replicas=2, rank=rank)
        given = torch.Generator() if generator else None
        loader = DataLoader(NoisyInAllWays(), batch_size=2, num_workers=1, sampler=sampler, generator=given)
        found = batches.training(data(train=Stream(loader=loader, samples=8)), TrainConfig(), CPU, World(rank, 2, rank))
        drawn.append(noise(found))
        orders.append(list(sampler))
    assert not (drawn[0] == drawn[1]).any()
    assert sorted(orders[0] + orders[1]) == list(range(8))


def test_an_error_of_the_data_leaves_the_generators_as_they_were():
    class Broken(NoisyInAllWays):
        def __getitem__(self, index):
            torch.rand(1)
            raise OSError("damaged")

    before = torch.get_rng_state()
    with pytest.raises(OSError, match="damaged"):
        epoch_of(data(train=Stream(dataset=Broken(), samples=8)), TrainConfig(batch_size=4))
    assert torch.equal(torch.get_rng_state(), before)


# ----------------------------------------------------------------------------------------- memory and the device


@pytest.mark.parametrize("world", [ALONE, World(1, 2, 1)])
def test_no_more_samples_are_judged_together_than_are_learnt_from(world):
    config = TrainConfig(batch_size=4)
    for split in (data(21).val, Stream(dataset=pairs(21), samples=21)):
        judged = list(batches.judging(data(21), split, config, CPU, world).epoch(0))
        assert max(len(batch[1]) for batch in judged) == 4 // world.size
        assert sum(len(batch[1]) for batch in judged) == len(range(world.rank, 21, world.size))


class Copies(TorchDispatchMode):
    """Counts what is copied from one device to another."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        moved = func is torch.ops.aten._to_copy.default
        self.count += moved and result.device != args[0].device
        return result


class Large(Hardware):
    """A device beside the CPU that has room for everything."""

    def fits(self, size):
        return True


def on_a_device(count, hardware, **more):
    images = torch.randint(0, 256, (count, 1, 8, 8), dtype=torch.uint8)
    arrays = Arrays(images, torch.arange(count) % 2)
    whole = Data("t", "s", "classes", (1, 8, 8), 2, arrays, arrays, mean=torch.ones(1), std=torch.ones(1))
    config = TrainConfig(batch_size=4, **more)
    return (
        batches.training(whole, config, hardware, ALONE),
        batches.judging(whole, whole.val, config, hardware, ALONE),
    )


def test_bytes_too_many_to_be_normalised_ahead_are_kept_on_the_device_all_the_same(monkeypatch):
    monkeypatch.setattr(batches, "AHEAD", 0)
    for found in on_a_device(12, Large(torch.device("meta"))):
        assert (found.inputs.device.type, found.inputs.dtype) == ("meta", torch.uint8)
        for inputs, targets, _ in found.epoch(0):
            assert inputs.device.type == targets.device.type == "meta"
            assert inputs.dtype == torch.float32


def test_kept_on_a_device_that_is_the_cpu_bytes_give_the_numbers_of_those_normalised_ahead(monkeypatch):
    torch.manual_seed(0)
    ahead = [list(found.epoch(0)) for found in on_a_device(12, CPU)]
    monkeypatch.setattr(batches, "AHEAD", 0)
    torch.manual_seed(0)
    kept = [list(found.epoch(0)) for found in on_a_device(12, Large(torch.device("cpu")))]
    for one, other in zip(ahead, kept, strict=True):
        assert all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("more", [{}, {"augment": ("shift", "flip")}])
def test_what_lies_on_the_device_is_picked_there_without_a_copy_at_each_step(more, monkeypatch):
    monkeypatch.setattr(batches, "AHEAD", 0)
    counts = []
    for samples in (8, 40):
        found, judged = on_a_device(samples, Large(torch.device("meta")), **more)
        with Copies() as copies:
            list(found.epoch(0))
            list(judged.epoch(0))
        counts.append(copies.count)
    assert counts[0] == counts[1]

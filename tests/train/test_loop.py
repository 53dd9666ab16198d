import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from nnlint.errors import NnlintError, UsageError
from nnlint.train.config import TrainConfig
from nnlint.train.data.model import Arrays, Data, Stream
from nnlint.train.evaluate import baseline_of
from nnlint.train.loop import train
from nnlint.train.objective import objective_for
from nnlint.train.optimizer import make_optimizer, make_scheduler
from nnlint.train.watch import Watch, Watches

PLAIN = TrainConfig(epochs=3, batch_size=16)
REPEATABLE = TrainConfig(epochs=3, batch_size=16, mode="repro")


def blobs(count=96, seed=0):
    """Three clouds of points in the plane, which a small network tells apart."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    centres = torch.tensor([[0.0, 2.0], [2.0, -1.0], [-2.0, -1.0]])
    return Arrays(centres[labels] + 0.3 * torch.randn(count, 2, generator=generator), labels)


def data(**more):
    return Data("blobs", "made up", "classes", (2,), 3, blobs(), blobs(30, 1), blobs(60, 2), **more)


def network(dropout=0.0):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 3))


def trained(net=None, config=REPEATABLE, whole=None, **more):
    whole = whole or data()
    return train(net or network(), whole, objective_for(whole, "scores", 3), config, **more)


class States(Watch):
    def __init__(self):
        self.states, self.steps, self.began, self.ended = [], [], None, None

    def begin(self, facts, epochs, steps):
        self.began = (facts, epochs, steps)

    def step(self, done):
        self.steps.append(done)

    def epoch(self, epoch, state):
        kept = {key: value for key, value in state().items() if key != "net"}
        copied = {name: tensor.clone() for name, tensor in state()["net"].items()}
        self.states.append({**kept, "net": copied, "optimizer": _deep(kept["optimizer"])})

    def end(self, trained):
        self.ended = trained


def _deep(value):
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: _deep(item) for key, item in value.items()}
    return [_deep(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "adadelta"])
def test_it_learns(optimizer):
    result = trained(config=TrainConfig(epochs=25, batch_size=16, optimizer=optimizer))
    assert (result.ending, result.judged_on, len(result.epochs)) == ("finished", "test", 25)
    assert result.score > 0.95
    assert result.baseline == pytest.approx(1 / 3)
    assert result.epochs[-1].train_loss < result.epochs[0].train_loss
    assert result.steps == 25 * 6


def test_the_same_run_gives_the_same_bits_and_another_seed_others():
    first, second = trained(network(0.3)), trained(network(0.3))
    assert (first.losses_digest, first.state_digest) == (second.losses_digest, second.state_digest)
    other = trained(network(0.3), TrainConfig(epochs=3, batch_size=16, mode="repro", seed=1))
    assert other.losses_digest != first.losses_digest


def test_dropout_does_not_hang_on_what_building_has_drawn():
    net = network(0.3)
    torch.rand(17)
    assert trained(net).losses_digest == trained(network(0.3)).losses_digest


def test_it_goes_on_from_every_epoch_to_the_same_bits():
    states = States()
    whole = trained(network(0.3), watch=states)
    for state in states.states[:2]:
        gone_on = trained(network(0.3), resume=state)
        assert (gone_on.losses_digest, gone_on.state_digest) == (whole.losses_digest, whole.state_digest)
        assert [e.metrics for e in gone_on.epochs] == [e.metrics for e in whole.epochs]
        assert gone_on.steps == whole.steps


def test_the_metrics_are_those_of_the_weights():
    net = network()
    result = trained(net)
    net.eval()
    judged = blobs(60, 2)
    right = (net(judged.inputs).argmax(1) == judged.targets).double().mean().item()
    assert result.final == {"accuracy": pytest.approx(right)}
    val = blobs(30, 1)
    loss = nn.functional.cross_entropy(net(val.inputs), val.targets).item()
    assert result.epochs[-1].val_loss == pytest.approx(loss, rel=1e-5)


def test_numbers_are_judged_in_their_own_units():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(64, 4, generator=generator)
    targets = 100 + 10 * inputs[:, 0] + torch.randn(64, generator=generator)
    arrays = Arrays(inputs, targets)
    whole = Data("t", "s", "numbers", (4,), 1, arrays, arrays, target_mean=targets.mean(), target_std=targets.std())
    torch.manual_seed(0)
    net = nn.Linear(4, 1)
    result = train(net, whole, objective_for(whole, "scores", 1), TrainConfig(epochs=30, batch_size=16, lr=0.05))
    answers = (net(inputs).reshape(-1) * targets.std() + targets.mean()).detach()
    errors = answers - targets
    assert result.judged_on == "val"
    assert result.final["rmse"] == pytest.approx(errors.square().mean().sqrt().item(), rel=1e-4)
    assert result.final["mae"] == pytest.approx(errors.abs().mean().item(), rel=1e-4)
    spread = (targets - targets.mean()).square().sum()
    assert result.final["r2"] == pytest.approx(1 - (errors.square().sum() / spread).item(), rel=1e-4)
    assert result.score > 0.9
    assert result.baseline == pytest.approx(0, abs=1e-6)


def test_the_first_loss_of_a_network_that_knows_nothing():
    net = network()
    nn.init.zeros_(net[4].weight)
    nn.init.zeros_(net[4].bias)
    result = trained(net)
    assert result.first_loss == pytest.approx(math.log(3))
    assert result.expected_first_loss == pytest.approx(math.log(3))


def test_who_looks_on_is_told_of_everything():
    states, others = States(), States()
    result = trained(watch=Watches(states, others))
    assert states.began[1:] == (3, 6)
    assert states.began[0]["threads"] == "1"
    assert states.steps == others.steps == [1, 2, 3, 4, 5, 6] * 3
    assert [state["epoch"] for state in states.states] == [1, 2, 3]
    assert states.ended is result


class Breaks(nn.Module):
    """Does what it is told in the forward pass of one step."""

    def __init__(self, at, what):
        super().__init__()
        self.linear = nn.Linear(2, 3)
        self.at, self.what, self.count = at, what, 0

    def forward(self, x):
        if self.training:
            self.count += 1
        return self.what(self.linear(x)) if self.training and self.count >= self.at else self.linear(x)


def test_a_loss_that_is_no_number_ends_it_with_step_and_place():
    states = States()
    result = trained(Breaks(9, lambda x: x + float("nan")), PLAIN, watch=states)
    assert result.ending == "diverged"
    assert "step 9 (epoch 2)" in result.reason
    assert (len(result.epochs), result.steps, result.final, result.score) == (1, 8, {}, None)
    assert states.ended is result


class Grows(nn.Module):
    """Keeps a table for the largest batch it has seen."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 3)
        self.table = torch.ones(0, 1)

    def forward(self, x):
        if len(self.table) < len(x):
            self.table = torch.linspace(0.9, 1.1, len(x))[:, None]
        return self.linear(x) * self.table[: len(x)]


def test_what_a_network_keeps_from_evaluation_is_of_use_in_the_next_step():
    seen = blobs(30, 1)
    loader = DataLoader(TensorDataset(seen.inputs, seen.targets), batch_size=30)
    result = trained(Grows(), PLAIN, whole=replace(data(), val=Stream(loader=loader, samples=30)))
    assert (result.ending, result.reason) == ("finished", "")


def test_a_loader_s_last_batch_of_one_does_not_cut_the_course_of_the_rate_short():
    seen = blobs(33)
    loader = DataLoader(TensorDataset(seen.inputs, seen.targets), batch_size=16, shuffle=True)
    result = trained(config=TrainConfig(epochs=10), whole=replace(data(), train=Stream(loader=loader, samples=33)))
    assert result.steps == 20
    assert result.epochs[-1].lr < 1e-3 * max(epoch.lr for epoch in result.epochs)


def test_an_error_of_the_network_ends_it_with_its_step():
    def fail(_):
        raise ValueError("expected something else")

    result = trained(Breaks(3, fail), PLAIN)
    assert (result.ending, result.reason) == ("failed", "step 3: ValueError: expected something else")


def test_ctrl_c_ends_it_with_what_there_is():
    def stop(_):
        raise KeyboardInterrupt

    result = trained(Breaks(9, stop), PLAIN)
    assert (result.ending, len(result.epochs), result.steps) == ("interrupted", 1, 8)
    assert "epoch 2" in result.reason


def test_what_a_watch_raises_reaches_the_caller():
    class Full(Watch):
        def epoch(self, epoch, state):
            raise NnlintError("the disk is full")

    with pytest.raises(NnlintError, match="the disk is full"):
        trained(watch=Full())


def test_a_network_without_anything_to_train_is_refused():
    net = network()
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    with pytest.raises(NnlintError, match="no parameter to train"):
        trained(net)


def test_matrices_decay_and_vectors_do_not():
    groups = make_optimizer(network(), TrainConfig(weight_decay=0.3)).param_groups
    assert [(group["weight_decay"], {p.dim() for p in group["params"]}) for group in groups] == [(0.3, {2}), (0.0, {1})]


def test_one_cycle_warms_up_and_falls_to_nothing():
    optimizer = make_optimizer(network(), TrainConfig(lr=0.5, optimizer="sgd"))
    scheduler = make_scheduler(optimizer, TrainConfig(lr=0.5, optimizer="sgd"), 100)
    rates = []
    for _ in range(100):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    assert max(rates) == pytest.approx(0.5)
    assert 20 <= rates.index(max(rates)) <= 30
    assert rates[0] < 0.05 and rates[-1] < 0.001


def test_adadelta_keeps_its_rate():
    result = trained(config=TrainConfig(epochs=2, batch_size=16, optimizer="adadelta"))
    assert [epoch.lr for epoch in result.epochs] == [1.0, 1.0]


def test_gradients_are_clipped():
    free = trained(config=TrainConfig(epochs=1, batch_size=16, mode="repro", optimizer="sgd"))
    clipped = trained(config=TrainConfig(epochs=1, batch_size=16, mode="repro", optimizer="sgd", clip=1e-4))
    assert clipped.epochs[0].train_loss > free.epochs[0].train_loss


def test_a_training_of_a_single_step():
    result = trained(config=TrainConfig(epochs=1, batch_size=96))
    assert (result.ending, result.steps) == ("finished", 1)


def test_several_numbers_are_judged_each_in_its_own_unit():
    inputs = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
    targets = torch.stack([1 + 0.01 * inputs[:, 0], 1000 * inputs[:, 1] - 500], 1)
    arrays, mean, std = Arrays(inputs, targets), targets.mean(0), targets.std(0)
    whole = Data("t", "s", "numbers", (4,), 2, arrays, arrays, target_mean=mean, target_std=std)
    net = nn.Linear(4, 2)
    result = train(net, whole, objective_for(whole, "scores", 2), TrainConfig(epochs=2, batch_size=16))
    errors = (net(inputs) * std + mean - targets).detach().double()
    assert result.final["rmse"] == pytest.approx(errors.square().mean().sqrt().item(), rel=1e-4)
    assert result.final["mae"] == pytest.approx(errors.abs().mean().item(), rel=1e-4)
    spread = (targets - mean).square().sum(0)
    assert result.final["r2"] == pytest.approx((1 - errors.square().sum(0) / spread).mean().item(), rel=1e-4)
    assert result.baseline == pytest.approx(0, abs=1e-6)


def test_the_best_constant_answer_is_judged_as_the_network_is():
    learnt, judged = torch.tensor([[0.0, 0.0], [2.0, 0.0]]), torch.tensor([[0.0, 100.0], [4.0, 300.0]])
    whole = Data("t", "s", "numbers", (1,), 2, Arrays(learnt[:, :1], learnt), Arrays(judged[:, :1], judged))
    # of the first column 1 is answered: 1 - (1 + 9) / 8; of the second 0: 1 - (100^2 + 300^2) / (2 * 100^2)
    assert baseline_of(whole, whole.val) == pytest.approx((-0.25 - 4) / 2)


def test_the_rate_of_an_epoch_is_that_of_its_last_step():
    result = trained(config=TrainConfig(epochs=3, batch_size=16))
    config = TrainConfig(epochs=3, batch_size=16)
    optimizer = make_optimizer(network(), config)
    scheduler = make_scheduler(optimizer, config, 18)
    rates = []
    for _ in range(18):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert [epoch.lr for epoch in result.epochs] == rates[5::6]


def test_without_a_number_that_judges_no_epoch_is_the_best():
    same = Arrays(torch.randn(4, 2), torch.full((4,), 7.0))
    whole = Data("t", "s", "numbers", (2,), 1, Arrays(torch.randn(32, 2), torch.randn(32)), same)
    result = train(nn.Linear(2, 1), whole, objective_for(whole, "scores", 1), PLAIN)
    assert math.isnan(result.final["r2"])
    assert (result.ending, result.best_epoch, result.baseline) == ("finished", 0, None)


def test_an_error_on_the_test_data_ends_it_with_what_there_is():
    class Unreadable(torch.utils.data.Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            raise OSError("the last picture is damaged")

    result = trained(whole=replace(data(), test=Stream(dataset=Unreadable(), samples=4)))
    assert (result.ending, len(result.epochs), result.final) == ("failed", 3, {})
    assert result.reason == "test after step 18: OSError: the last picture is damaged"


@pytest.mark.parametrize("part", ["train", "val"])
def test_a_loader_that_gives_nothing_a_second_time_is_told(part):
    class Once(torch.utils.data.IterableDataset):
        def __init__(self):
            self.samples = iter(list(zip(blobs(32).inputs, blobs(32).targets, strict=True)))

        def __len__(self):
            return 32

        def __iter__(self):
            return self.samples

    whole = replace(data(), **{part: Stream(loader=torch.utils.data.DataLoader(Once(), batch_size=16))})
    with pytest.raises(NnlintError, match={"train": "no batch in epoch 2", "val": "no sample to judge by"}[part]):
        trained(whole=whole)


def test_scales_of_norms_over_images_do_not_decay():
    net = nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.LayerNorm((2, 4, 4)))
    decayed, spared = make_optimizer(net, TrainConfig()).param_groups
    assert [p.shape for p in decayed["params"]] == [(2, 1, 3, 3)]
    assert [p.shape for p in spared["params"]] == [(2, 4, 4), (2, 4, 4)]


def ticking(monkeypatch, seconds):
    """A clock by which the epochs' training parts take so long, and nothing else does."""
    now = 0.0
    parts = iter(seconds)

    def clock():
        nonlocal now
        # an epoch asks three times: before it, when it has learnt, when it has looked
        ticking.asked = (ticking.asked + 1) % 3
        now += next(parts) if ticking.asked == 2 else 0.0
        return now

    ticking.asked = 0
    monkeypatch.setattr("nnlint.train.loop.time.perf_counter", clock)


def test_the_settled_time_leaves_out_what_warms_up(monkeypatch):
    ticking(monkeypatch, [90.0, 3.0, 3.0])
    states = States()
    assert trained(network(), watch=states).settled_seconds == 3.0
    # a run that goes on compiles and warms up again
    ticking(monkeypatch, [70.0])
    assert trained(network(), resume=states.states[1]).settled_seconds == 3.0
    ticking(monkeypatch, [80.0, 5.0])
    resumed = States()
    assert trained(network(), resume=states.states[0], watch=resumed).settled_seconds == 5.0
    # of a single epoch there is nothing else
    ticking(monkeypatch, [90.0])
    assert trained(config=replace(REPEATABLE, epochs=1)).settled_seconds == 90.0


def test_a_run_goes_on_with_as_many_steps_an_epoch_only():
    states = States()
    trained(network(), watch=states)
    fewer = replace(data(), train=blobs(64))
    with pytest.raises(UsageError, match=r"--resume: an epoch of this run had 6 steps, and has 4 now") as caught:
        trained(network(), whole=fewer, resume=states.states[0])
    assert "give the data and the options it was begun with" in str(caught.value)


def test_with_other_processes_it_says_what_changes(monkeypatch):
    states, said = States(), []
    trained(network(), watch=states)
    state = states.states[0]
    monkeypatch.setattr(States, "say", lambda _self, sentence: said.append(sentence), raising=False)
    trained(network(), watch=States(), resume=state)
    assert not any("going on by" in sentence for sentence in said)
    trained(network(), watch=States(), resume=state | {"rng": state["rng"] * 2})
    assert any(one.startswith("Begun by 2 processes, going on by 1: from here on") for one in said)
    with pytest.raises(UsageError, match="it was begun by 2 processes, and goes on by 1: start as many as then"):
        trained(network(), resume=state | {"rng": state["rng"] * 2, "steps": 5})


def test_stopped_while_an_error_is_handled():
    class UntoldError(Exception):
        def __str__(self):
            raise KeyboardInterrupt

    class Fails(nn.Linear):
        def forward(self, x):
            raise UntoldError

    result = trained(Fails(2, 3))
    assert (result.ending, result.reason) == ("interrupted", "stopped by the user in epoch 1")

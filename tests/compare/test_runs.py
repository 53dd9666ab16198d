"""What makes two runs a fair pair."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from nets import NET, PLAIN, plan_of
from torch import Tensor, nn

from nnlint.compare import runs
from nnlint.compare.plan import Plan, Run
from nnlint.errors import UsageError
from nnlint.train.config import TrainConfig
from nnlint.train.results import Trained

CONFIG = TrainConfig(epochs=1, batch_size=128, threads=1, device="cpu")

pytestmark = pytest.mark.usefixtures("unchanged_process")


@pytest.fixture
def plan(tmp_path: Path) -> Iterator[Plan]:
    yield plan_of(tmp_path, PLAIN, NET)
    runs._OPENED.bench = None


class Seen:
    """Stands in for the trainer: keeps what it is given and draws a number, as dropout would."""

    def __init__(self) -> None:
        self.states: list[dict[str, Tensor]] = []
        self.drawn: list[tuple[float, float, float]] = []
        self.data: list[Any] = []
        self.configs: list[TrainConfig] = []

    def __call__(self, net: nn.Module, data: Any, objective: Any, config: TrainConfig) -> None:
        self.states.append({name: value.clone() for name, value in net.state_dict().items()})
        self.drawn.append((torch.rand(1).item(), random.random(), float(np.random.rand())))
        self.data.append(data)
        self.configs.append(config)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    stand_in = Seen()
    monkeypatch.setattr(runs, "train", stand_in)
    return stand_in


def test_a_pair_shares_weights_data_and_random_numbers(plan: Plan, seen: Seen) -> None:
    for variant in (0, 1):
        runs.run(plan, Run(variant, CONFIG, like=0))
    a, b = seen.states
    shared = [name for name in a if name in b and a[name].shape == b[name].shape]
    assert "first.weight" in shared
    assert "second.weight" in shared
    assert all(torch.equal(a[name], b[name]) for name in shared)
    assert seen.drawn[0] == seen.drawn[1]
    assert seen.data[0] is seen.data[1]
    assert seen.configs == [CONFIG, CONFIG]


def test_without_copying_the_weights_would_differ(plan: Plan, seen: Seen) -> None:
    for variant in (0, 1):
        runs.run(plan, Run(variant, CONFIG))
    a, b = seen.states
    assert not torch.equal(a["second.weight"], b["second.weight"])


def test_the_order_of_the_two_does_not_matter(plan: Plan) -> None:
    def both(order: tuple[int, int]) -> dict[int, Trained]:
        runs._OPENED.bench = None
        return {variant: runs.run(plan, Run(variant, CONFIG, like=0)) for variant in order}

    one, other = both((0, 1)), both((1, 0))
    for variant in (0, 1):
        assert one[variant].ending == "finished", one[variant].reason
        assert one[variant].losses_digest == other[variant].losses_digest
        assert one[variant].state_digest == other[variant].state_digest
        assert one[variant].final == other[variant].final
    assert one[0].losses_digest != one[1].losses_digest
    assert one[0].steps == one[1].steps
    assert one[0].facts["threads"] == "1"


def test_seeds_differ(plan: Plan) -> None:
    first, second = (runs.run(plan, Run(0, TrainConfig(epochs=1, threads=1, device="cpu", seed=s))) for s in (0, 1))
    assert first.losses_digest != second.losses_digest


def test_it_is_opened_once(plan: Plan, seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    real = runs.make_ready
    monkeypatch.setattr(runs, "make_ready", lambda *asked: (opened.append(asked), real(*asked))[1])
    for _ in range(3):
        runs.run(plan, Run(0, CONFIG))
    assert len(runs.describe(plan)) == 2
    assert len(opened) == 1


def test_descriptions(plan: Plan) -> None:
    plain, net = runs.describe(plan)
    assert (plain.name, net.name) == ("Plain", "Net")
    assert plain.metric == "accuracy"
    assert plain.params > net.params > 0
    assert "breast-cancer" in plain.data
    assert "test samples" in plain.data


def test_a_step_is_weighed_on_a_copy(plan: Plan) -> None:
    state = torch.get_rng_state()
    least = runs.describe(plan)[0].params * 4 * 4  # weights, gradients, two states of AdamW
    weighed = runs.weigh(plan, 0)
    assert least < weighed < 100 * least
    assert runs.weigh(plan, 0) == weighed
    del state


def test_a_step_is_weighed_as_it_is_taken(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    monkeypatch.setattr(runs, "peak_bytes", lambda *arguments: given.append(arguments[-1]) or 0)
    runs.weigh(replace(plan, config=replace(CONFIG, mode="speed")), 0)
    assert (given[0].device.type, given[0].fused) == ("cpu", True)


# -------------------------------------------------------------------------------------------------- copying weights


def sequence(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers)


def test_what_has_one_name_and_shape_is_copied() -> None:
    a, b = sequence(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)), sequence(nn.Linear(3, 4), nn.BatchNorm1d(4))
    copied = runs.copy_weights(a, b)
    assert set(copied) == set(b.state_dict())
    assert torch.equal(a[0].weight, b[0].weight)
    assert torch.equal(a[0].bias, b[0].bias)


def test_first_weights_that_a_network_draws_in_its_own_way_stay_its_own() -> None:
    torch.manual_seed(0)
    a, b = (sequence(nn.Linear(32, 32), nn.Linear(32, 32), nn.BatchNorm1d(32)) for _ in range(2))
    nn.init.kaiming_normal_(b[0].weight)
    nn.init.zeros_(b[1].bias)
    nn.init.zeros_(b[2].weight)
    copied = runs.copy_weights(a, b)
    assert {"0.bias", "1.weight", "2.running_mean"} <= set(copied)
    assert not {"0.weight", "1.bias", "2.weight"} & set(copied)
    assert b[2].weight.eq(0).all()


@pytest.mark.parametrize("shape", [(2,), (8,), (64,), (16, 3, 3, 3), (128, 64)])
def test_draws_from_one_distribution_are_alike(shape: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    for _ in range(200):
        one, other = torch.randn(2, *shape) * 0.1
        assert runs.drawn_alike(one, other)
        one, other = torch.rand(2, *shape) - 0.5
        assert runs.drawn_alike(one, other)


@pytest.mark.parametrize("make", [nn.init.kaiming_normal_, nn.init.xavier_uniform_, nn.init.zeros_, nn.init.ones_])
def test_other_ways_of_drawing_are_told_apart(make: Any) -> None:
    torch.manual_seed(2)
    for layer in (nn.Linear(64, 64), nn.Conv2d(16, 16, 3)):
        other = layer.weight.detach().clone()
        make(other)
        assert not runs.drawn_alike(layer.weight.detach(), other)


def test_what_has_another_shape_or_kind_is_not() -> None:
    a = sequence(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 4))
    b = sequence(nn.Linear(3, 5), nn.PReLU(4), nn.Linear(4, 4, bias=False))
    b[1].weight.data.fill_(0.25)
    assert runs.copy_weights(a, b) == ("2.weight",)
    assert b[1].weight.eq(0.25).all()  # a batch norm's weights are ones


def test_a_network_s_own_parameters_are_copied_between_two_classes() -> None:
    class One(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.rand(3))

    class Other(One):
        pass

    one, other = One(), Other()
    assert runs.copy_weights(one, other) == ("scale",)
    assert torch.equal(one.scale, other.scale)


def test_the_task_and_the_augmentation_that_are_asked_for(plan: Plan) -> None:
    (first, _) = runs.describe(replace(plan, data=replace(plan.data, task="binary")))
    assert "Targets: binary, as asked for." in first.data
    with pytest.raises(UsageError, match="only images can be shifted or flipped"):
        runs.describe(replace(plan, config=replace(CONFIG, augment=("flip",))))
    with pytest.raises(UsageError, match="there is no 'turn'"):
        runs.describe(replace(plan, config=replace(CONFIG, augment=("turn",))))

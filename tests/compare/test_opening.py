"""What becomes of networks that cannot be opened; the processes are played here."""

from collections.abc import Callable, Iterator, Sequence
from typing import cast

import pytest

from nnlint.adapt.model import DataChoice, NetworkSource
from nnlint.compare.opening import open_all
from nnlint.compare.plan import Described, Plan
from nnlint.compare.pool import Call, Died, Done, Pool
from nnlint.errors import MismatchError, NnlintError
from nnlint.train.config import TrainConfig


class Played:
    """A pool that opens everything but plans of which it is told."""

    def __init__(self, wrong: Callable[[set[str]], object]) -> None:
        self.wrong = wrong
        self.plans = 0

    def run(self, batches: Sequence[Sequence[Call]]) -> Iterator[Done]:
        self.plans += len(batches)
        for at, ((_, (plan,)),) in reversed(list(enumerate(batches))):
            names = [source.target for source in plan.sources]
            described = tuple(Described(name, (), "mse_loss", "", "r2", 7, 70, "data", 64) for name in names)
            yield Done(at, 0, self.wrong(set(names)) or described)


def plan_of(*names: str) -> Plan:
    return Plan(
        tuple(NetworkSource(name, label=f"the {name}") for name in names), DataChoice("diabetes"), TrainConfig()
    )


def opened(pool: Played, *names: str) -> object:
    return open_all(cast(Pool, pool), plan_of(*names))


def test_those_that_cannot_be_opened_are_left_out_and_said_why() -> None:
    def wrong(names: set[str]) -> object:
        if "bad" in names:
            return MismatchError("its layers\n  do not fit", where="bad.py:3", help="mend it")
        return Died("its process ended with code 3") if "deadly" in names else None

    found = open_all(cast(Pool, Played(wrong)), plan_of("first", "bad", "good", "deadly"))
    assert [source.target for source in found.plan.sources] == ["first", "good"]
    assert found.places == {0: 0, 2: 1}
    assert [one.name for one in found.described] == ["first", "the bad", "good", "the deadly"]
    assert found.reasons[1] == "bad.py:3: its layers do not fit"
    assert "ended with code 3" in found.reasons[3]
    assert {one.metric for one in found.described} == {"r2"}
    assert found.described[1].why == "as the first"  # no loss that its own file states


def test_nothing_is_tried_twice_where_all_is_well() -> None:
    pool = Played(lambda names: None)  # noqa: ARG005
    found = open_all(cast(Pool, pool), plan_of("first", "second", "third"))
    assert (pool.plans, found.reasons, found.places) == (1, {}, {0: 0, 1: 1, 2: 2})


@pytest.mark.parametrize(
    ("names", "bad"),
    [
        (("first", "bad"), {"bad"}),  # the only one there is to compare with
        (("bad", "second", "third"), {"bad"}),  # what the others are compared with
        (("first", "bad", "worse"), {"bad", "worse"}),
    ],
)
def test_where_no_two_are_left_it_is_an_error(names: tuple[str, ...], bad: set[str]) -> None:
    pool = Played(lambda seen: NnlintError("it is broken") if bad & seen else None)
    with pytest.raises(NnlintError, match="it is broken"):
        opened(pool, *names)


def test_networks_that_go_with_the_first_alone_are_an_error() -> None:
    """No one of them is to blame."""
    pool = Played(lambda seen: NnlintError("no common view") if {"second", "third"} <= seen else None)
    with pytest.raises(NnlintError, match="no common view"):
        opened(pool, "first", "second", "third")

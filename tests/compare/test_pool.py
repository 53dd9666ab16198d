"""Calls in processes: several at a time, and none lost with a process that dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from nnlint.compare.pool import Call, Died, Pool
from nnlint.errors import NnlintError


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(2) as pool:
        yield pool


def results(pool: Pool, batches: Sequence[Sequence[Call]]) -> dict[tuple[int, int], object]:
    return {(done.batch, done.number): done.value for done in pool.run(batches)}


def test_every_call_comes_back_once_and_with_its_number(pool: Pool) -> None:
    found = results(pool, [[("math:sqrt", (float(i * i),)), ("math:sqrt", (4.0,))] for i in range(7)])
    assert found == {(i, j): (float(i) if j == 0 else 2.0) for i in range(7) for j in range(2)}


def test_the_calls_of_a_batch_share_a_process(pool: Pool) -> None:
    found = results(pool, [[("os:getpid", ())] * 3 for _ in range(2)])
    for batch in range(2):
        assert len({found[batch, number] for number in range(3)}) == 1
    assert os.getpid() not in found.values()


def test_what_is_raised_is_a_value(pool: Pool) -> None:
    (value,) = results(pool, [[("math:sqrt", (-1.0,))]]).values()
    assert isinstance(value, NnlintError)
    assert "ValueError" in value.message


def test_a_process_that_dies_costs_its_call_alone(pool: Pool) -> None:
    found = results(
        pool,
        [
            [("math:sqrt", (4.0,)), ("signal:raise_signal", (signal.SIGKILL,)), ("math:sqrt", (9.0,))],
            [("math:sqrt", (16.0,)), ("os:_exit", (3,))],
            [("math:sqrt", (25.0,))],
        ],
    )
    assert (found[0, 0], found[0, 2], found[1, 0], found[2, 0]) == (2.0, 3.0, 4.0, 5.0)
    killed, ended = found[0, 1], found[1, 1]
    assert isinstance(killed, Died)
    assert "SIGKILL" in killed.reason
    assert "memory runs out" in killed.reason
    assert isinstance(ended, Died)
    assert "code 3" in ended.reason


def test_a_process_that_died_while_it_had_nothing_to_do_is_replaced() -> None:
    with Pool(1) as pool:
        (pid,) = results(pool, [[("os:getpid", ())]]).values()
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGKILL)
        pool._lanes[0].process.join(10)
        found = results(pool, [[("math:sqrt", (4.0,)), ("math:sqrt", (9.0,))]])
    assert isinstance(found[0, 0], Died)
    assert found[0, 1] == 3.0


def test_no_process_is_left(tmp_path: Path) -> None:
    with Pool(1) as pool:
        (pid,) = results(pool, [[("os:getpid", ())]]).values()
        (lane,) = pool._lanes
        lane.pipe.send([("time:sleep", (600,))])  # it is busy when it has to go
        started = time.monotonic()
    assert time.monotonic() - started < 30
    assert isinstance(pid, int)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


SCRIPT = """
from nnlint.compare.pool import Pool
with Pool(1) as pool:
    print([done.value for done in pool.run([[("math:sqrt", (9.0,)), ("builtins:print", ("noise",))]])])
"""


@pytest.mark.parametrize("how", ["file", "pipe"])
def test_the_main_script_is_not_run_again_and_the_output_stays_clean(how: str, tmp_path: Path) -> None:
    # neither a script without a main guard nor one that comes from a pipe could be spawned from otherwise
    file = tmp_path / "script.py"
    file.write_text(SCRIPT)
    arguments, given = ([str(file)], None) if how == "file" else ([], SCRIPT)
    command = [sys.executable, *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=120, cwd=tmp_path, check=False)
    assert (done.stdout, done.stderr) == ("[3.0, None]\n", "")

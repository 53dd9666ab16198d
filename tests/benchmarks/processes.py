"""Running commands in turns and comparing what they cost."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What one run of a command cost.

    Attributes:
        wall: seconds from start to end.
        cpu: seconds of processor time, descendants that were waited for included.
        peak_mb: the largest resident set of any one of its processes.
        output: what it printed.
        code: its exit code.
    """

    wall: float
    cpu: float
    peak_mb: float
    output: str
    code: int


def run(command: Sequence[str], cwd: Path | None = None, environment: dict[str, str] | None = None) -> Cost:
    """Runs a command to its end."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    start = time.perf_counter()
    peaks: dict[int, int] = {}
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, peaks, done))
    watcher.start()
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    done.set()
    watcher.join()
    peak = max([usage.ru_maxrss, *peaks.values()]) / 1024
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak, output, process.returncode)


def in_turns(commands: dict[str, Sequence[str]], rounds: int, cwd: Path | None = None) -> dict[str, list[Cost]]:
    """Runs A B C, A B C, …, so that whatever else the machine does falls on all alike. The first round warms up."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            cost = run(command, cwd)
            if turn:
                costs[name].append(cost)
    return costs


def median(costs: Sequence[Cost], field: str) -> float:
    """The median of one field."""
    return statistics.median(getattr(cost, field) for cost in costs)


def ratio(first: Sequence[Cost], second: Sequence[Cost], field: str) -> float:
    """The median over the rounds of the quotient within a round."""
    return statistics.median(getattr(a, field) / getattr(b, field) for a, b in zip(first, second, strict=True))


def _watch(root: int, peaks: dict[int, int], done: threading.Event) -> None:
    """Notes the peak resident set, in KB, of a process and its descendants, which need not be waited for by it."""
    while not done.wait(0.05):
        for pid in _family(root):
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            for line in status.splitlines():
                if line.startswith("VmHWM"):
                    peaks[pid] = max(peaks.get(pid, 0), int(line.split()[1]))


def _family(root: int) -> set[int]:
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        parents[int(entry.parent.name)] = int(fields[1])
    family = {root}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return family

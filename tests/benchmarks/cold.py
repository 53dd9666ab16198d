"""Cold starts: a file with a network beside a process that only imports torch and builds it; what needs no torch."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from processes import in_turns, median, ratio, run
from tables import Row

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "examples" / "reference_net.py"
#: what a script that uses the network cannot do without
FLOOR = f"import runpy; runpy.run_path({str(REFERENCE)!r})['ReferenceNet']()"
NO_NETWORK = "import math\n\n\ndef area(radius):\n    return math.pi * radius**2\n"


def rows(rounds: int) -> list[Row]:
    """The ratios, and the seconds of what must be quick."""
    nnlint = [sys.executable, "-m", "nnlint"]
    costs = in_turns({"nnlint": [*nnlint, str(REFERENCE)], "floor": [sys.executable, "-c", FLOOR]}, rounds, ROOT)
    failed = [cost for cost in costs["nnlint"] + costs["floor"] if cost.code]
    if failed:
        raise SystemExit(f"a command failed:\n{failed[0].output}")
    found = [
        Row(
            f"nnlint reference_net.py ÷ import torch and build it, {field}",
            ratio(costs["nnlint"], costs["floor"], field),
            1.3,
            f"{median(costs['nnlint'], field):.2f} s, {median(costs['floor'], field):.2f} s",
        )
        for field in ("wall", "cpu")
    ]
    return found + _without_torch(nnlint, rounds)


def _without_torch(nnlint: list[str], rounds: int) -> list[Row]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "area.py")
        file.write_text(NO_NETWORK)
        for name, command in {
            "nnlint --help": [*nnlint, "--help"],
            "nnlint on a file without a network": [*nnlint, str(file)],
        }.items():
            costs = in_turns({"nnlint": command, "python": [sys.executable, "-c", "pass"]}, rounds)
            fastest = min(cost.wall for cost in costs["nnlint"])
            note = f"fastest on the wall {fastest:.2f} s; python -c pass: {median(costs['python'], 'cpu'):.2f} s"
            found.append(Row(f"{name}, cpu seconds", median(costs["nnlint"], "cpu"), 0.2, note))
            imported = "torch" in _imports(command)
            found.append(Row(f"{name}: imports torch", float(imported), 0.0, "1: yes"))
    return found


def _imports(command: list[str]) -> set[str]:
    """The top-level modules a Python command imports."""
    cost = run([command[0], "-X", "importtime", *command[1:]])
    lines = [line for line in cost.output.splitlines() if line.startswith("import time:")]
    return {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in lines}

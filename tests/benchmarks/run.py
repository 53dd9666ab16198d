"""The benchmarks: ``python tests/benchmarks/run.py [PART …] [--rounds N]`` prints one table.

Every number is a ratio of two things measured in turns within this run, so that a busy machine changes both.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from tables import Row, table

#: the parts there are; each is a module beside this one (with _ for -)
PARTS = ("cold", "tracing", "checking", "large", "overhead", "preparing", "false-alarms", "gpu")


def main() -> int:
    """Runs the parts asked for; exit code 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    rows: list[Row] = []
    for part in options.parts or PARTS:
        for row in importlib.import_module(part.replace("-", "_")).rows(options.rounds):
            print("\n".join(table([row]).splitlines()[0 if not rows else 2 :]), flush=True)
            rows.append(row)
    return int(not all(row.met for row in rows))


if __name__ == "__main__":
    sys.exit(main())

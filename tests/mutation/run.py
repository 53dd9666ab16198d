"""The recall benchmark: ``python tests/mutation/run.py [--only RULE] [--write]``.

Faults are injected into sound scripts by editing their text, one at a time; a table says how many of them nnlint finds,
and how many of those at the exact expression. ``--write`` keeps it in RESULTS.md.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from reasons import REASONS
from recall import Judgement, judge
from registry_of_mutations import MUTATIONS, mutants

HERE = Path(__file__).parent
TARGETS = {"recall": 90, "exact": 85}


def main() -> int:
    """Prints the table; exit code 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="RULE")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    parser.add_argument("--show", action="store_true", help="print every miss with its text")
    options = parser.parse_args()
    rules = options.only or list(MUTATIONS)
    start = time.monotonic()
    judged = judge([mutant for rule in rules for mutant in mutants(rule)])
    seconds = time.monotonic() - start
    text = f"{table(judged)}\n{misses(judged)}"
    print(text)
    print(f"{len(judged)} mutants in {seconds:.0f} s")
    if options.show:
        for one in judged:
            if not one.exact:
                print(f"--- {one.mutant}: expected {one.mutant.spans}, found {one.places}\n{one.mutant.text}")
    if options.write:
        (HERE / "RESULTS.md").write_text(f"{INTRODUCTION}\n{text}", encoding="utf-8")
    return int(percent(judged, "found") < TARGETS["recall"] or percent(judged, "exact") < TARGETS["exact"])


INTRODUCTION = """# What nnlint finds of injected faults

Written by `python tests/mutation/run.py --write`. Every fault is injected into the scripts of `sound/`, at every place
that fits it (at most three of a script for each rule); the mutations know what the rules are for and none
of their code.
*Exact* are the findings that stand at the very expression (line, column and end) that the mutation expects.
"""


def percent(judged: list[Judgement], what: str) -> float:
    """The share of mutants that are found; of those found, the share at the exact place."""
    whole = judged if what == "found" else [one for one in judged if one.found]
    return 100 * sum(bool(getattr(one, what)) for one in whole) / len(whole) if whole else 0.0


def table(judged: list[Judgement]) -> str:
    """The counts of every rule, and of all."""
    rows = ["| rule | injected | found | recall | exact |", "|---|---:|---:|---:|---:|"]
    for rule in sorted({one.mutant.rule for one in judged}):
        rows.append(_row(rule, [one for one in judged if one.mutant.rule == rule]))
    return "\n".join([*rows, _row("**all**", judged), ""])


def _row(name: str, judged: list[Judgement]) -> str:
    found = sum(one.found for one in judged)
    return f"| {name} | {len(judged)} | {found} | {percent(judged, 'found'):.1f} % | {percent(judged, 'exact'):.1f} % |"


def misses(judged: list[Judgement]) -> str:
    """The mutants that are not found, and those found elsewhere."""
    lines = ["## Not found", ""]
    missed = Counter((one.mutant.rule, one.mutant.script, one.mutant.how) for one in judged if not one.found)
    lines += [f"- {rule}, {script}: {how}{_times(count)}" for (rule, script, how), count in missed.items()]
    lines += ["", "## Found at another expression", ""]
    for one in judged:
        if one.found and not one.exact:
            places = ", ".join(f"{line}:{column}–{to}:{end}" for line, column, to, end in one.places)
            lines.append(f"- {one.mutant}: at {places}, expected {one.mutant.spans}")
    rules = sorted({one.mutant.rule for one in judged if not one.exact})
    lines += ["", "## Why", "", *(f"- {rule}: {REASONS.get(rule, 'not looked into')}" for rule in rules)]
    return "\n".join([*lines, ""])


def _times(count: int) -> str:
    return f" ({count} times)" if count > 1 else ""


if __name__ == "__main__":
    sys.exit(main())

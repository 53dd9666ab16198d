"""The tables of a run of the zoo."""

from __future__ import annotations

import importlib.metadata
import platform
import statistics
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Row = dict[str, Any]

#: stages that say nothing of nnlint: the network is not built, or does not run, in the configuration tried here
NOT_OURS = {"build", "eager"}

_HEAD = """# The zoo: recording networks nobody here wrote

Written by `python tests/zoo/run.py --write`. Every network is built small, with random weights, and handed over as
its user would: a real model in eval mode on the CPU. *Equal*: the recorded `torch.fx` module returns what the model
returns (same structure, `torch.testing.assert_close`), its graph is built and counts every parameter once, and the
model and the random generators are as they were. *On other values*: the recorded module also agrees on values it was
not recorded with. *On meta*: it can be recorded without values, too. Time and memory are those of recording and
building the graph beside a plain forward of the same model on meta, or on the CPU where it does not run on meta (there
a forward of these small networks takes a few milliseconds): warm, medians of processor time, in turns; growth of the
peak resident memory.
"""


def table(rows: list[Row]) -> str:
    """Counts, time and memory by collection, as Markdown."""
    names = (
        "collection", "run eagerly", "equal", "on other values", "on meta", "time ÷ forward on meta: median, p90",
        "time ÷ forward on the CPU", "MB beyond a forward's: median, p90",
    )  # fmt: skip
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["collection"], []).append(row)
    if len(groups) > 1:
        groups["**all**"] = rows
    return _markdown(names, [_summary(name, group) for name, group in groups.items()])


def _summary(name: str, rows: list[Row]) -> tuple[str, ...]:
    able = [row for row in rows if row["stage"] not in NOT_OURS]
    good = [row for row in able if row["stage"] == "ok"]
    share = f"{len(good)} ({len(good) / len(able):.1%})" if able else "0"
    meta_times, real_times = (
        [row["time_ratio"] for row in good if row["time_ratio"] and row["beside"] == where] for where in ("meta", "cpu")
    )
    extra = [row["trace_mb"] - row["forward_mb"] for row in good if _measured(row)]
    other = sum(row["other_values"] == "equal" for row in good)
    meta = sum(row["meta"] == "meta" for row in good)
    return name, str(len(able)), share, str(other), str(meta), _spread(meta_times), _spread(real_times), _spread(extra)


def _measured(row: Row) -> bool:
    return row["trace_mb"] is not None and row["forward_mb"] is not None


def _spread(values: list[float]) -> str:
    if not values:
        return ""
    ordered = sorted(values)
    return f"{statistics.median(ordered):.1f}, {ordered[min(int(0.9 * len(ordered)), len(ordered) - 1)]:.1f}"


def write(path: Path, rows: list[Row]) -> None:
    """Writes the results with every failure and every network."""
    able = [row for row in rows if row["stage"] not in NOT_OURS]
    good = [row for row in able if row["stage"] == "ok"]
    system = f"Python {platform.python_version()}, {platform.system()}, CPU, one thread"
    parts = [
        _HEAD + f"\nVersions: {', '.join(_versions(rows))}; {system}.",
        table(rows),
        "## Failures",
        _bullets((row, f"{row['stage']}: {row['cause']}") for row in able if row["stage"] != "ok"),
        "## Not equal on other values",
        _bullets((row, row["other_values"]) for row in good if row["other_values"] != "equal"),
        "## Not recorded on meta",
        _bullets((row, f"{row['meta']}: {row['meta_cause']}") for row in good if row["meta"] != "meta"),
        "## Ops without a name",
        _unnamed(able),
        "## Not counted: not built, or not run eagerly, in the configuration tried here",
        _bullets((row, row["cause"]) for row in rows if row["stage"] in NOT_OURS),
        "## Every network",
        _everything(able),
    ]
    path.write_text("\n\n".join(parts) + "\n")


def findings(rows: list[Row]) -> str:
    """What nnlint's rules say of the networks, by rule and level."""
    groups: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    for row in rows:
        for rule, level, where, message in row["findings"]:
            groups.setdefault((level, rule), []).append((f"{row['collection']}/{row['name']}", where, message))
    parts = []
    for (level, rule), found in sorted(groups.items()):
        parts.append(f"## {level}: {rule} ({len(found)} in {len({name for name, _, _ in found})} networks)")
        parts.append("\n".join(f"* {name}: {message}" for name, _, message in found))
    return "\n\n".join(parts)


def _versions(rows: list[Row]) -> list[str]:
    names = {"torch"}
    for collection in {row["collection"] for row in rows}:
        names |= set(getattr(sys.modules.get(f"libraries.{collection}"), "DISTRIBUTIONS", ()))
    found = []
    for name in sorted(names):
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _bullets(lines: Iterable[tuple[Row, str]]) -> str:
    text = "\n".join(f"* {row['collection']}/{row['name']}: {_plain(what)}" for row, what in lines)
    return text or "None."


def _plain(text: str) -> str:
    """Text without the folders of this machine."""
    prefix = f"{sys.prefix}/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages/"
    return text.replace(prefix, "").replace(f"{Path(__file__).parents[2]}/", "").replace("<", "&lt;")


def _unnamed(rows: list[Row]) -> str:
    ops: Counter[str] = Counter()
    networks: Counter[str] = Counter()
    for row in rows:
        ops.update(row["unnamed"])
        networks.update(row["unnamed"].keys())
    total = sum(row["ops"] for row in rows) or 1
    head = f"{sum(ops.values())} of {total} ops ({sum(ops.values()) / total:.2%})."
    body = [(f"`{name}`", str(count), str(networks[name])) for name, count in ops.most_common(80)]
    return f"{head}\n\n{_markdown(('op', 'times', 'networks'), body)}"


def _everything(rows: list[Row]) -> str:
    names = (
        "network", "outcome", "parameters", "ops", "unnamed", "largest difference", "other values", "meta",
        "time ÷ forward", "MB, forward's MB",
    )  # fmt: skip
    return _markdown(names, [_cells(row) for row in rows])


def _cells(row: Row) -> tuple[str, ...]:
    return (
        f"{row['collection']}/{row['name']}",
        row["stage"],
        f"{row['parameters']:,}",
        str(row["ops"]),
        str(sum(row["unnamed"].values())),
        f"{row['max_difference']:.1e}",
        "equal" if row["other_values"] == "equal" else ("differs" if row["other_values"] else ""),
        row["meta"],
        f"{row['time_ratio']:.1f}" if row["time_ratio"] else "",
        f"{row['trace_mb']:.1f}, {row['forward_mb']:.1f}" if _measured(row) else "",
    )


def _markdown(names: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [names, ("---",) * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

"""Records every network of the zoo and tells what came out: ``python tests/zoo/run.py [--only PATTERN] [--write]``.

Every network is built, run, recorded and measured in a process of its own, without a network connection. With
``--findings`` it is recorded once and given to the rules, and ``--write`` writes FINDINGS.md from what they say and
from the judgements in verdicts.toml.
"""

from __future__ import annotations

import argparse
import fnmatch
import gc
import importlib
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "NO_ALBUMENTATIONS_UPDATE": "1"}

import precision  # noqa: E402
import torch  # noqa: E402
import torchvision_ops  # noqa: E402
import verdicts  # noqa: E402
from children import in_children  # noqa: E402
from entry import Entry  # noqa: E402
from measure import Result, measure  # noqa: E402
from results import table, write  # noqa: E402

#: collection → the distributions whose versions the results name
COLLECTIONS = {path.stem: path for path in sorted((HERE / "libraries").glob("[a-z]*.py"))}


def main() -> int:
    """Runs the zoo. Exit code 1 if a network failed that runs eagerly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="*", help="shell pattern over collection/name")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    parser.add_argument("--eager", action="store_true", help="only see which networks run at all")
    parser.add_argument("--rows", type=Path, help="file the results are kept in; those it holds are not measured again")
    parser.add_argument("--findings", action="store_true", help="what the rules say; --write writes FINDINGS.md")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th network of a collection")
    parser.add_argument(
        "--again", action="append", default=[], metavar="RULE", help="forget the rows with its findings"
    )
    options = parser.parse_args()
    _prepare()
    rows = _kept(options.rows, set(options.again))
    work = precision.examine if options.findings else partial(measure, eager_only=options.eager)
    done = {(row["collection"], row["name"]) for row in rows}
    for collection in COLLECTIONS:
        wanted = [
            entry
            for entry in _entries(collection, options.only)[:: options.every]
            if fnmatch.fnmatch(f"{collection}/{entry.name}", options.only) and (collection, entry.name) not in done
        ]
        for row in _measured(collection, wanted, options.jobs, work):
            print(_line(row), flush=True)
            rows.append(row)
            if options.rows:
                with options.rows.open("a") as file:
                    file.write(json.dumps(row) + "\n")
    rows.sort(key=lambda row: (row["collection"], row["name"].lower()))
    if options.findings:
        judged = verdicts.Verdicts.read(HERE / "verdicts.toml")
        print(verdicts.summary(rows, judged))
        if options.write:
            verdicts.write(HERE / "FINDINGS.md", rows, judged)
        return int(any(row["stage"] == "rules" or verdicts.is_wrong(row) for row in rows))
    print(table(rows))
    if options.write:
        write(HERE / "RESULTS.md", rows)
    return int(any(row["stage"] not in {"ok", "build", "eager"} for row in rows))


def _prepare() -> None:
    """What every network would otherwise pay for: imports, and the shape kernels torch loads on first use."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    sys.addaudithook(_refuse)
    torchvision_ops.register()
    precision.default_rules()
    with torch.device("meta"):
        net = torch.nn.Sequential(
            torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Linear(6, 2)
        )
        net.eval()(torch.randn(2, 3, 8, 8))
    for module in ("nnlint.trace.record", "nnlint.trace.build", "nnlint.api", "nnlint.examine.rebatch", "networkx"):
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if not (error.name or "").startswith("nnlint"):
                raise


def _refuse(event: str, _: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.getaddrinfo"}:
        raise RuntimeError("the zoo runs without a network connection")


def _kept(file: Path | None, again: set[str]) -> list[dict[str, Any]]:
    """The rows of an earlier run, without those in which one of these rules found something, or which failed."""
    if file is None or not file.exists():
        return []
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    if not again:
        return rows
    kept = [row for row in rows if row["stage"] == "ok" and not again & {found[0] for found in row["findings"]}]
    file.write_text("".join(json.dumps(row) + "\n" for row in kept))
    return kept


def _entries(collection: str, pattern: str) -> list[Entry]:
    if not fnmatch.fnmatch(collection, pattern.partition("/")[0]):
        return []
    module = importlib.import_module(f"libraries.{collection}")
    try:
        return list(module.entries())
    except ImportError as error:
        print(f"{collection}: skipped, {error}")
        return []


def _measured(
    collection: str, entries: list[Entry], jobs: int, examine: Callable[[str, Entry], dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The results of these networks as they finish, ``jobs`` at a time."""
    gc.collect()
    gc.freeze()  # keeps the children from copying every page on their first collection

    def work(entry: Entry) -> bytes:
        return json.dumps(examine(collection, entry)).encode()

    for entry, answer in in_children(entries, work, jobs):
        if isinstance(answer, str):
            yield asdict(Result(collection, entry.name, stage="died", cause=answer))
        else:
            yield json.loads(answer)


def _line(row: dict[str, Any]) -> str:
    head = f"{row['collection']}/{row['name']}: {row['stage']}"
    if row["stage"] != "ok":
        return f"{head}: {row['cause']}"
    if "rule_seconds" in row:
        warnings_ = [f"{rule} {paths}" for rule, level, paths, _ in row["findings"] if level != "info"]
        return f"{head} ({row['rule_seconds'] / row['trace_seconds']:.2f} of the trace) {'; '.join(warnings_)}"
    ratio = f", {row['time_ratio']:.1f} x a forward" if row["time_ratio"] else ""
    return f"{head} ({row['ops']} ops, {row['meta'] or 'not on meta'}{ratio})"


if __name__ == "__main__":
    sys.exit(main())

"""Checking: all default graph rules beside recording and building the graph."""

from __future__ import annotations

import gc
import statistics
import time
from collections import Counter
from collections.abc import Iterator

import torch
from tables import Row
from tracing import FAMILIES, graph_of

from nnlint.check import check_graph
from nnlint.registry import list_rules, load_rules


def rows(rounds: int) -> Iterator[Row]:
    """One row a family, and the median over them, which is what the target is for."""
    torch.set_num_threads(1)
    rules = load_rules([info.name for info in list_rules().rules if info.default])
    shares = []
    for name, (build, inputs) in FAMILIES.items():
        with torch.device("meta"):
            model, args = build().eval(), inputs()
        graph = graph_of(model, args, {})
        check_graph(graph, rules)  # the first run imports what the rules import late
        traces, checks = [], []
        timing: Counter[str] = Counter()
        for _ in range(rounds):
            gc.collect()
            start = time.process_time()
            graph = graph_of(model, args, {})
            traces.append(time.process_time() - start)
            start = time.process_time()
            check_graph(graph, rules, timing)
            checks.append(time.process_time() - start)
        trace, check = statistics.median(traces), statistics.median(checks)
        shares.append(check / trace)
        slowest = ", ".join(f"{rule} {1e3 * seconds / rounds:.1f} ms" for rule, seconds in timing.most_common(2))
        note = f"{1e3 * check:.1f} ms, {1e3 * trace:.1f} ms; {len(graph.ops)} ops; {slowest}"
        yield Row(f"{name}: {len(rules)} rules ÷ record + graph, cpu", check / trace, 0.4, note)
    yield Row("rules ÷ record + graph, median of these networks", statistics.median(shares), 0.2, "")

"""Networks from text, for the tests of edits: text in, text out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from nnlint.finding import Edit
from nnlint.graph import Graph, Op
from nnlint.load.constructors import constructors, take_sites
from nnlint.trace.build import build_graph
from nnlint.trace.record import record

#: the op whose module's path ends with a name, or the first of that name
Find = Callable[[str], Op]
Change = Callable[[Find], "Edit | tuple[Edit, ...] | None"]
Edited = Callable[[str, Change], "str | None"]


def graph_of(file: Path, text: str) -> Graph:
    """The graph of the network that a source builds."""
    file.write_text(text, encoding="utf-8")
    names: dict[str, object] = {"__name__": "net"}
    with constructors():
        exec(compile(text, str(file), "exec"), names)
    net = names["net"]
    assert isinstance(net, torch.nn.Module)
    sites = {id(module): site for module, site in take_sites(net)}
    example = names.get("x", torch.zeros(2, 3, 8, 8))
    losses = ("cross_entropy",) if "judged" in names else ()
    return build_graph(record(net.eval(), (example,), sites=sites), model=net, losses=losses)


def finder(graph: Graph) -> Find:
    """Looks ops up in a graph."""

    def find(name: str) -> Op:
        found = [op for op in graph.ops if op.module is not None and op.path.rpartition(".")[2] == name]
        return (found or [op for op in graph.ops if op.name == name and (op.module is None or not op.path)])[0]

    return find

"""`nnlint graph`: a network as a tree of its modules and operations, repeats folded into one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from nnlint.report.model import NetworkReport, OpRow, Report
from nnlint.report.style import Style

#: names of rows that are no operation of the network
_PLAIN = frozenset({"parameter", "constant", "output"})
#: modules that only hold others and never run
_LISTS = frozenset({"ModuleList", "ModuleDict"})
_COLUMNS = ("output", "params", "MACs")
_NARROWEST = 60


@dataclass(slots=True)
class _Node:
    """A module, or one operation (then ``row`` is set). ``count`` says for how many equal neighbours it stands."""

    name: str
    type: str = ""
    row: OpRow | None = None
    children: list[_Node] = field(default_factory=list)
    shape: tuple[int, ...] = ()
    params: int = 0
    macs: int | None = 0
    count: int = 1
    signature: tuple[Any, ...] = ()


def terminal_width(stream: TextIO) -> int:
    """Columns to use: the terminal's, else 100."""
    return max(_NARROWEST, shutil.get_terminal_size((100, 24)).columns) if stream.isatty() else 100


def render(report: Report, style: Style | None = None, *, width: int = 100) -> str:
    """Every traced network of the report as a tree with its totals."""
    style = style or Style()
    return "\n".join(_network(network, style, width) for network in report.networks if network.status == "traced")


def render_json(report: Report) -> str:
    """Every traced network with its operations, as JSON."""
    networks = [
        {
            "target": network.target,
            "name": network.name,
            "class": network.class_name,
            "inputs": list(network.inputs),
            "input_source": network.input_source,
            "how": network.how,
            "params": network.params,
            "macs": network.macs,
            "uncounted": network.uncounted,
            "activation_bytes": network.activation_bytes,
            "ops": [_row(row) for row in network.rows],
        }
        for network in report.networks
        if network.status == "traced"
    ]
    return json.dumps({"schema_version": 1, "networks": networks}, indent=2, default=str) + "\n"


def _row(row: OpRow) -> dict[str, Any]:
    return {
        "path": row.path,
        "op": row.name,
        "module": row.module_type,
        "shape": list(row.shape),
        "params": row.params,
        "macs": row.macs,
        "hyper": dict(row.hyper),
        "site": row.site,
    }


def _network(network: NetworkReport, style: Style, width: int) -> str:
    root = _fold(_tree(network))
    lines = [(_labelled("", root), root), *_lines(root, "")]
    cells = [_cells(node) for _, node in lines]
    widths = [max(len(row[i]) for row in [*cells, _COLUMNS]) for i in range(len(_COLUMNS))]
    room = max(24, width - sum(widths) - 2 * len(widths))
    label_width = min(room, max(len(label) for label, _ in lines))
    out = [
        f"{style.bold(network.target)}  {style.dim(', '.join(network.inputs) + _source(network))}",
        style.dim(_line("", _COLUMNS, label_width, widths)),
    ]
    for (label, node), row in zip(lines, cells, strict=True):
        text = _line(_cut(label, label_width), row, label_width, widths)
        out.append(text if node.row is None else style.dim(text))
    return "\n".join([*out, _totals(network)]) + "\n"


def _source(network: NetworkReport) -> str:
    return f" ({network.input_source})" if network.input_source else ""


def _totals(network: NetworkReport) -> str:
    parts = [
        f"{network.ops} ops",
        f"{network.params:,} parameters",
        f"{human(network.macs)} MACs" + (f" ({network.uncounted} ops uncounted)" if network.uncounted else ""),
        f"{human(network.activation_bytes)}B activations",
    ]
    return f"total: {', '.join(parts)}"


def _line(label: str, cells: Sequence[str], label_width: int, widths: Sequence[int]) -> str:
    shape, *numbers = cells
    right = [text.rjust(size) for text, size in zip(numbers, widths[1:], strict=True)]
    return "  ".join([label.ljust(label_width), shape.ljust(widths[0]), *right]).rstrip()


def _cut(label: str, width: int) -> str:
    return label if len(label) <= width else label[: width - 1] + "…"


def _cells(node: _Node) -> tuple[str, str, str]:
    shape = "x".join(map(str, node.shape)) or "-"
    each = "" if node.count == 1 else f"{node.count} × "
    params = each + human(node.params) if node.params else "-"
    macs = "?" if node.macs is None else each + human(node.macs) if node.macs else "-"
    return shape, params, macs


def _lines(node: _Node, prefix: str) -> Iterator[tuple[str, _Node]]:
    for index, child in enumerate(node.children):
        last = index == len(node.children) - 1
        yield _labelled(prefix + ("└─ " if last else "├─ "), child), child
        yield from _lines(child, prefix + ("   " if last else "│  "))


def _labelled(branch: str, node: _Node) -> str:
    kind = f" {node.type}" if node.type and node.type != node.name else ""
    times = f" × {node.count}" if node.count > 1 else ""
    return f"{branch}{node.name}{kind}{times}"


def _tree(network: NetworkReport) -> _Node:
    """The rows hung into their module paths. A module that runs again later stands there again."""
    root = _Node(network.class_name or network.name)
    open_path: list[_Node] = [root]
    names: list[str] = []
    for row in network.rows:
        if row.name in _PLAIN:
            continue
        parts = row.path.split(".") if row.path else []
        # a module is its own row; a function hangs below the module that called it
        owner = parts[:-1] if row.module_type else parts
        common = 0
        while common < min(len(owner), len(names)) and owner[common] == names[common]:
            common += 1
        del open_path[common + 1 :], names[common:]
        for part in owner[common:]:
            names.append(part)
            node = _Node(part, network.modules.get(".".join(names), ""))
            open_path[-1].children.append(node)
            open_path.append(node)
        label = parts[-1] if row.module_type and parts else row.name
        open_path[-1].children.append(
            _Node(label, row.module_type if parts else "", row, [], row.shape, row.params, row.macs)
        )
    return root


def _fold(node: _Node) -> _Node:
    """Sums up the module, and folds runs of neighbours that are equal but for their number: ``Block × 12``."""
    folded: list[_Node] = []
    for child in (_fold(child) if child.row is None else _leaf(child) for child in node.children):
        if folded and folded[-1].signature == child.signature and _numbered(folded[-1], child):
            folded[-1].count += 1
            folded[-1].shape = child.shape
        else:
            folded.append(child)
    node.shape = next((child.shape for child in reversed(folded) if child.shape), ())
    node.params = sum(child.params * child.count for child in folded)
    node.macs = sum((child.macs or 0) * child.count for child in folded)
    node.signature = (_alike(node.name), node.type, tuple((child.signature, child.count) for child in folded))
    node.children = [_named(child) for child in folded]
    return node


def _named(node: _Node) -> _Node:
    """A folded row tells its numbers; a list that holds one module here is not worth a line."""
    if node.count > 1:
        node.name = f"{node.name}-{int(node.name) + node.count - 1}"
    if node.type in _LISTS and len(node.children) == 1 and node.count == 1:
        only = node.children[0]
        only.name = f"{node.name}.{only.name}"
        return only
    return node


def _leaf(node: _Node) -> _Node:
    hyper = node.row.hyper if node.row else {}
    settings = tuple(sorted((key, str(value)) for key, value in hyper.items()))
    node.signature = (_alike(node.name), node.type, node.shape, node.params, node.macs, settings)
    return node


def _alike(name: str) -> str:
    """Numbers are alike: ``blocks.2`` and ``blocks.3`` may be equal."""
    return "#" if name.isdigit() else name


def _numbered(first: _Node, child: _Node) -> bool:
    """Whether the child is the next of a numbered row (``blocks.3`` after ``blocks.2``)."""
    return first.name.isdigit() and child.name.isdigit() and int(child.name) == int(first.name) + first.count


def human(number: int) -> str:
    """A number in three digits and a unit: ``1.23M``."""
    if abs(number) < 1000:
        return str(number)
    value = float(number)
    for unit in "kMGTP":
        value /= 1000
        if abs(value) < 999.5:  # what would round to 1000 belongs to the next unit
            return f"{value:.3g}{unit}"
    return f"{value:.0f}{unit}"

"""`nnlint graph`: the tree of a network."""

import json
from collections.abc import Callable

from nnlint.report import tree
from nnlint.report.model import FileReport, NetworkReport, OpRow, Report


def row(path: str, name: str, shape: tuple[int, ...], params: int = 0, macs: int | None = 0, kind: str = "") -> OpRow:
    return OpRow(path, name, shape, params, macs, {}, None, kind)


def network(rows: list[OpRow], modules: dict[str, str], **fields: object) -> Report:
    params, macs = sum(r.params for r in rows), sum(r.macs or 0 for r in rows)
    made = NetworkReport(
        "net.py:Net", "net.py", "Net", "Net", "traced", inputs=("2x3x8x8",), input_source="--input", ops=len(rows),
        params=params, macs=macs, uncounted=sum(r.macs is None for r in rows), activation_bytes=2_000_000,
        rows=tuple(rows), modules=modules, **fields,
    )  # fmt: skip
    return Report((FileReport("net.py", (made,)),))


def blocks(count: int) -> Report:
    rows = [row("", "input", (2, 3, 8, 8)), row("stem", "conv2d", (2, 8, 8, 8), 224, 27_648, "Conv2d")]
    modules = {"blocks": "Sequential", "stem": "Conv2d"}
    for i in range(count):
        modules[f"blocks.{i}"] = "Block"
        rows += [
            row(f"blocks.{i}.conv", "conv2d", (2, 8, 8, 8), 584, 73_728, "Conv2d"),
            row(f"blocks.{i}", "odd.function", (2, 8, 8, 8), 0, None),
        ]
    rows += [
        row("", "flatten", (2, 512)),
        row("head", "linear", (2, 10), 5130, 10_240, "Linear"),
        row("", "output", ()),
    ]
    return network(rows, modules)


def test_repeats_are_folded_and_totals_told() -> None:
    assert (
        tree.render(blocks(12), width=80)
        == """\
net.py:Net  2x3x8x8 (--input)
                       output     params        MACs
Net                    2x10        12.4k        923k
├─ input               2x3x8x8         -           -
├─ stem Conv2d         2x8x8x8       224       27.6k
├─ blocks Sequential   2x8x8x8     7.01k        885k
│  └─ 0-11 Block × 12  2x8x8x8  12 × 584  12 × 73.7k
│     ├─ conv Conv2d   2x8x8x8       584       73.7k
│     └─ odd.function  2x8x8x8         -           ?
├─ flatten             2x512           -           -
└─ head Linear         2x10        5.13k       10.2k
total: 29 ops, 12,362 parameters, 923k MACs (12 ops uncounted), 2MB activations
"""
    )


def test_unequal_neighbours_are_not_folded() -> None:
    rows = [row(f"{i}", "linear", (2, width), width, width, "Linear") for i, width in enumerate((4, 4, 8, 4))]
    text = tree.render(network(rows, {}))
    names = [line.split()[1:3] for line in text.splitlines()[3:6]]
    assert names == [["0-1", "Linear"], ["2", "Linear"], ["3", "Linear"]]


def test_a_list_with_one_member_in_place_takes_no_line() -> None:
    rows = [
        row("downs.0.conv", "conv2d", (2, 8), 1, 1, "Conv2d"),
        row("pool", "max_pool2d", (2, 4), 0, 0, "MaxPool2d"),
        row("downs.1.conv", "conv2d", (2, 4), 1, 1, "Conv2d"),
    ]
    modules = {"downs": "ModuleList", "downs.0": "Down", "downs.1": "Down"}
    text = tree.render(network(rows, modules))
    assert "├─ downs.0 Down" in text
    assert "└─ downs.1 Down" in text
    assert "ModuleList" not in text


def test_it_fits_into_eighty_columns() -> None:
    path = ".".join(["a_rather_long_name"] * 16)
    modules = {".".join(["a_rather_long_name"] * depth): "SomeContainer" for depth in range(1, 16)}
    text = tree.render(network([row(path, "conv2d", (2, 8, 8, 8), 224, 27_648, "Conv2d")], modules), width=80)
    assert max(len(line) for line in text.splitlines()[1:-1]) <= 80
    assert "…" in text


def test_ten_thousand_ops_cost_ten_times_a_thousand(steps: Callable[[Callable[[], object]], int]) -> None:
    few, many = blocks(500), blocks(5000)
    tree.render(few)
    assert steps(lambda: tree.render(many)) < 10.5 * steps(lambda: tree.render(few))
    text = tree.render(many)
    assert "0-4999 Block × 5000" in text


def test_json_has_every_op() -> None:
    document = json.loads(tree.render_json(blocks(2)))
    (only,) = document["networks"]
    assert only["uncounted"] == 2
    assert [op["op"] for op in only["ops"]][:3] == ["input", "conv2d", "conv2d"]
    assert only["ops"][1] == {
        "path": "stem", "op": "conv2d", "module": "Conv2d", "shape": [2, 8, 8, 8], "params": 224, "macs": 27648,
        "hyper": {}, "site": None,
    }  # fmt: skip


def test_numbers_in_three_digits() -> None:
    assert [tree.human(n) for n in (0, 999, 1000, 12_345, 999_499, 999_500, 7_654_321_000)] == [
        "0", "999", "1k", "12.3k", "999k", "1M", "7.65G"
    ]  # fmt: skip

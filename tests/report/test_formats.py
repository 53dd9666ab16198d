"""The exact text of the reports, on a small report made by hand."""

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest

from nnlint.finding import Edit, Finding, Fix, Related
from nnlint.report import concise, full, schema, summary
from nnlint.report import json as json_format
from nnlint.report.model import FileReport, NetworkReport, Report
from nnlint.report.source import lines_of
from nnlint.report.style import Style
from nnlint.site import Site

HERE = Path(__file__).parent
SOURCE = """\
class Net(nn.Module):
    def __init__(self):
        self.norm = nn.BatchNorm2d(64)
\tself.größe, self.名前 = nn.Dropout(0.5), nn.Linear(1, 2)
        self.body = nn.Sequential(
            nn.Linear(3, 4),

            nn.Tanh(),
        )
        self.long = nn.Sequential(
            nn.Linear(1, 1),
            nn.Linear(2, 2),
            nn.Linear(3, 3),
            nn.Linear(4, 4),
            nn.Linear(5, 5),
            nn.Linear(6, 6),
        )
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "net.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    lines_of.cache_clear()
    return "net.py"


def finding(site: Site | None, **fields: object) -> Finding:
    plain = Finding(
        "`norm` normalises what `drop` disturbs", site, rule="some-rule", level="warning", category="dropout"
    )
    return dataclasses.replace(plain, **fields)


def report_of(*findings: Finding, **fields: object) -> Report:
    network = NetworkReport(
        "net.py:Net", "net.py", "Net", "Net", "traced", inputs=("2x3x32x32",), input_source="CIFAR10 at train.py:20",
        params=10, macs=20, ops=3,
    )  # fmt: skip
    return Report((FileReport("net.py", (network,), tuple(findings), **fields),))


def test_full_is_the_sample_of_the_conventions(file: str) -> None:
    found = finding(
        Site(file, 3, 21, 3, 39),
        network="Net",
        paths=("block.norm2", "block.norm3"),
        shape=(2, 64, 32, 32),
        related=(Related("drop1", Site(file, 4, 28, 4, 43)),),
        fix=Fix((Edit(Site(file, 3, 21, 3, 39), "nn.Identity()"),), True),
    )
    assert (
        full.render(report_of(found))
        == """\
warning some-rule [*] `norm` normalises what `drop` disturbs
 --> net.py:3:21   Net.block.norm2, [N, 64, 32, 32]
  |
3 |         self.norm = nn.BatchNorm2d(64)
  |                     ^^^^^^^^^^^^^^^^^^
  |
  = also at: `block.norm3`
  = also: net.py:4:28 `drop1`
  = help: nnlint rule some-rule
"""
    )


def test_carets_stand_under_the_span_after_tabs_and_wide_characters(file: str) -> None:
    line = SOURCE.splitlines()[3]
    start = line.index("nn.Dropout") + 1
    text = full.render(report_of(finding(Site(file, 4, start, 4, start + len("nn.Dropout(0.5)")))))
    shown, carets = text.splitlines()[3:5]
    # the tab takes four columns; each of the two wide characters takes two
    assert shown == "4 |     self.größe, self.名前 = nn.Dropout(0.5), nn.Linear(1, 2)"
    columns = shown.index("nn.Dropout") + 2
    assert carets == "  | " + " " * (columns - 4) + "^" * len("nn.Dropout(0.5)")


def test_a_span_of_several_lines_is_marked_line_by_line(file: str) -> None:
    text = full.render(report_of(finding(Site(file, 5, 21, 9, 10))))
    assert text.splitlines()[2:-2] == [
        "  |",
        "5 |         self.body = nn.Sequential(",
        "  |                     ^^^^^^^^^^^^^^",
        "6 |             nn.Linear(3, 4),",
        "  |             ^^^^^^^^^^^^^^^^",
        "7 |",
        "8 |             nn.Tanh(),",
        "  |             ^^^^^^^^^^",
        "9 |         )",
        "  |         ^",
    ]


def test_the_middle_of_a_long_span_is_left_out(file: str) -> None:
    text = full.render(report_of(finding(Site(file, 10, 21, 17, 10))))
    assert "..." in text
    assert "nn.Linear(3, 3)" in text
    assert "nn.Linear(5, 5)" not in text
    assert text.splitlines()[-4:-2] == ["17 |         )", "   |         ^"]


def test_a_very_long_line_is_cut_around_the_span(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = "x = [" + "0, " * 200 + "nn.Dropout(0.5)" + ", 0" * 200 + "]"
    (tmp_path / "long.py").write_text(line + "\n")
    monkeypatch.chdir(tmp_path)
    start = line.index("nn") + 1
    text = full.render(Report((FileReport("long.py", findings=(finding(Site("long.py", 1, start, 1, start + 15)),)),)))
    shown, carets = text.splitlines()[3:5]
    assert len(shown) < 160
    assert shown[carets.index("^") : carets.index("^") + 15] == "nn.Dropout(0.5)"


def test_a_finding_without_its_source_is_shown_without_it() -> None:
    text = full.render(report_of(finding(Site("gone.py", 3, 1, 3, 9)), finding(None)))
    assert text.splitlines() == [
        "warning some-rule `norm` normalises what `drop` disturbs",
        " --> gone.py:3:1",
        "  = help: nnlint rule some-rule",
        "",
        "warning some-rule `norm` normalises what `drop` disturbs",
        " --> net.py",
        "  = help: nnlint rule some-rule",
    ]


def test_the_batch_is_only_called_n_where_it_is_one(file: str) -> None:
    text = full.render(report_of(finding(Site(file, 3, 21, 3, 39), network="Net", shape=(197, 2, 768))))
    assert "[197, 2, 768]" in text


def test_many_places_are_counted(file: str) -> None:
    paths = tuple(f"blocks.{i}.norm" for i in range(12))
    text = full.render(report_of(finding(Site(file, 3, 21, 3, 39), paths=paths)))
    assert "also at: `blocks.1.norm`, `blocks.2.norm`, `blocks.3.norm`, `blocks.4.norm` and 7 more" in text


def test_colour_changes_nothing_but_colour(file: str) -> None:
    import re

    report = report_of(finding(Site(file, 3, 21, 3, 39)))
    coloured = full.render(report, Style(color=True)) + summary.render(report, Style(color=True))
    assert "\x1b[1;33m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == full.render(report) + summary.render(report)


def test_concise(file: str) -> None:
    fix = Fix((Edit(Site(file, 3, 21, 3, 39), ""),), True)
    report = report_of(finding(Site(file, 3, 21, 3, 39), fix=fix), finding(None, level="error", message="two\nlines"))
    assert concise.render(report) == (
        "net.py:3:21: warning some-rule [*] `norm` normalises what `drop` disturbs\n"
        "net.py:1:1: error some-rule two lines\n"
    )


def test_summary_says_what_was_checked_and_with_what(file: str) -> None:
    report = report_of(finding(Site(file, 3, 21, 3, 39)), finding(None, level="info", rule="other"))
    missed = NetworkReport("b.py:Two", "b.py", "Two", "Two", "built", reason="needs an input; try --input …")
    report = dataclasses.replace(report, files=(*report.files, FileReport("b.py", (missed,))))
    assert (
        summary.render(report)
        == """\
2 networks in 2 files, 1 not traced
  net.py:Net with 2x3x32x32 (CIFAR10 at train.py:20)
  b.py:Two: not traced: needs an input; try --input …
Found 2 (1 warning, 1 note).
"""
    )


def test_summary_says_clean_only_of_what_was_checked() -> None:
    empty = Report((FileReport("a.py", empty=True),))
    assert summary.render(empty) == "1 file without a network\nAll checks passed.\n"
    unbuilt = Report((*empty.files, FileReport("d.py")))  # --no-exec
    assert summary.render(unbuilt) == (
        "1 file without a network, 1 file whose networks were not looked at, only the training\n"
        "No findings, but not everything was checked.\n"
    )
    missed = NetworkReport("b.py:Two", "b.py", "Two", "Two", "failed", reason="why")
    assert summary.render(Report((FileReport("b.py", (missed,)),))).endswith("Nothing was checked.\n")
    partly = dataclasses.replace(report_of(), files=(*report_of().files, FileReport("b.py", (missed,))))
    assert summary.render(partly).endswith("No findings, but not everything was checked.\n")
    broken = Report((FileReport("c.py", errors=("1:1: invalid syntax",)),))
    assert summary.render(broken) == "1 file not examined\nNothing was checked.\n"


def test_statistics() -> None:
    report = report_of(finding(None), finding(None), finding(None, rule="other", level="error"))
    assert summary.statistics(report) == "2  some-rule\n1  other\n"


def test_json_keeps_its_schema(file: str) -> None:
    found = finding(
        Site(file, 3, 21, 3, 39),
        network="Net",
        paths=("norm",),
        shape=(2, 64),
        facts={"params": 3, "odd": {1, 2}},
        related=(Related("drop", Site(file, 4, 2, 4, 3)),),
        fix=Fix((Edit(Site(file, 3, 21, 3, 39), "x"),), True),
    )
    text = json_format.render(report_of(found, finding(None), timing={"read": 0.25}, notes=("a note",)))
    document = json.loads(text)
    jsonschema.validate(document, schema.schema())
    assert document["networks"][0]["class"] == "Net"
    assert document["findings"][0]["line"] == 3
    assert document["findings"][0]["facts"] == {"params": 3, "odd": [1, 2]}
    assert document["findings"][1]["line"] is None
    assert document["summary"]["warnings"] == 2
    broken = document | {"schema_version": 2}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema.schema())


def test_fingerprints_do_not_move_with_the_lines(file: str) -> None:
    def prints(*findings: Finding) -> list[str]:
        return [row["fingerprint"] for row in json.loads(json_format.render(report_of(*findings)))["findings"]]

    first = finding(Site(file, 3, 21, 3, 39), network="Net", paths=("norm",))
    moved = dataclasses.replace(first, site=Site(file, 8, 1, 8, 9))
    other = dataclasses.replace(first, paths=("other",))
    assert prints(first) == prints(moved)
    assert len(set(prints(first, first, other))) == 3


def test_the_schema_file_is_what_the_types_say() -> None:
    file = Path(schema.__file__).with_name("report.schema.json")
    assert file.read_text(encoding="utf-8") == schema.text()
    jsonschema.Draft202012Validator.check_schema(schema.schema())


def test_long_lists_of_networks_are_cut_unless_all_are_wanted() -> None:
    networks = tuple(NetworkReport(f"a.py:N{i}", "a.py", f"N{i}", "N", "traced") for i in range(20))
    report = Report((FileReport("a.py", networks),))
    assert "a.py:N12" not in summary.render(report)
    assert "… and 8 more (--verbose lists all)" in summary.render(report)
    assert "a.py:N19" in summary.render(report, every=True)

"""Fixes applied to files: what is mended, what is taken back, and that nothing else changes."""

from __future__ import annotations

import pytest

from nnlint import engine
from nnlint.fix import run

HEAD = "import torch\nfrom torch import nn\n\n# nnlint: input=8\n"


def net(*layers: str) -> str:
    """A script whose network has these layers, one a line."""
    return f"{HEAD}net = nn.Sequential(\n" + "".join(f"    {layer},\n" for layer in layers) + ")\n"


@pytest.fixture
def write(tmp_path):
    """Writes a file."""

    def write_file(text: str, name: str = "net.py"):
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return file

    return write_file


def rules_of(findings) -> list[str]:
    return [finding.rule for finding in findings]


def test_safe_fixes_alone_unless_asked_for_more(write, fix) -> None:
    file = write(net("nn.Linear(8, 8)", "nn.ReLU()", "nn.Linear(8, 8)", "nn.Tanh()"))
    result = fix(file)
    assert result.changes[0].text == net("nn.Linear(8, 8)", "nn.ReLU(inplace=True)", "nn.Linear(8, 8)", "nn.Tanh()")
    assert rules_of(result.report.fixed) == ["relu-not-inplace-here"]
    assert rules_of(result.report.findings) == ["tanh-here"]
    assert result.report.taken_back == ()
    assert file.read_text("utf-8") == net("nn.Linear(8, 8)", "nn.ReLU()", "nn.Linear(8, 8)", "nn.Tanh()")  # not yet


def test_pass_after_pass_until_nothing_is_left(write, fix) -> None:
    file = write(net("nn.Linear(8, 8)", "nn.Tanh()"))
    result = fix(file, unsafe=True)
    # Tanh becomes ReLU, which is not in place
    assert result.changes[0].text == net("nn.Linear(8, 8)", "nn.ReLU(inplace=True)")
    assert result.report.findings == ()
    again = fix(write(result.changes[0].text), unsafe=True)
    assert again.changes == ()
    assert again.report.fixed == ()


def test_comments_and_formatting_stay(write, fix) -> None:
    text = f"""{HEAD}net = nn.Sequential( nn.Linear(8,8) ,   # first
      nn.ReLU( ),  # why not
   nn.Identity(), nn.Linear( in_features = 8, out_features = 2 ) )   # last
unrelated = {{'a' :1,
   "b":  2}}
"""
    result = fix(write(text))
    assert "nn.Identity()" in text
    assert result.changes[0].text == text.replace("nn.ReLU( )", "nn.ReLU( inplace=True)")
    # taking the identity out renames the linear layer behind it: not safe
    assert [one.reason for one in result.report.taken_back] == ["the state_dict of `Sequential` changes"]


@pytest.mark.parametrize(
    ("layer", "unsafe", "reason"),
    [
        ("nn.Sigmoid()", False, "`Sequential` computes other numbers"),
        ("nn.Linear(8, 7)", True, "the output of `Sequential` gets another shape (2x7 becomes 2x8)"),
        ("nn.Softplus()", True, "`Sequential`"),
        ("nn.SELU()", True, "no-use is found all the same"),
    ],
)
def test_what_does_not_stand_the_test_is_taken_back(write, fix, layer: str, unsafe: bool, reason: str) -> None:
    text = net("nn.Linear(8, 8)", "nn.ReLU()", layer)
    result = fix(write(text), unsafe=unsafe)
    assert result.changes[0].text == text.replace("ReLU()", "ReLU(inplace=True)")  # the others stay
    (back,) = result.report.taken_back
    assert reason in back.reason
    assert back.finding.rule in rules_of(result.report.findings)


def test_one_bad_fix_among_many_costs_only_itself(write, fix) -> None:
    layers = ["nn.Tanh()", "nn.Linear(8, 8)"] * 4 + ["nn.Softplus()"] + ["nn.Tanh()", "nn.Linear(8, 8)"] * 2
    result = fix(write(net(*layers)), unsafe=True)
    assert result.changes[0].text.count("nn.ReLU(inplace=True)") == 6
    assert rules_of(one.finding for one in result.report.taken_back) == ["wrong-name"]
    assert "nn.Softplus()" in result.changes[0].text


def test_a_fix_that_brings_an_error_about_is_taken_back(write, fix) -> None:
    text = net("nn.Linear(8, 2)", "nn.Tanh()", "nn.Linear(2, 5)")
    result = fix(write(text), unsafe=True, select=("tanh-here", "relu-is-forbidden"))
    assert result.changes == ()
    assert [one.reason for one in result.report.taken_back] == ["it brings about relu-is-forbidden (no)"]


def test_what_is_ignored_is_not_fixed(write, fix) -> None:
    text = net(
        "nn.Linear(8, 8)", "nn.ReLU(), # nnlint: ignore[relu-not-inplace-here]\n    nn.Linear(8, 8)", "nn.ReLU()"
    )
    result = fix(write(text))
    assert result.changes[0].text.count("inplace=True") == 1
    assert result.changes[0].text.endswith("nn.ReLU(inplace=True),\n)\n")


def test_levels_and_rules_can_be_chosen(write, fix) -> None:
    file = write(net("nn.Linear(8, 8)", "nn.ReLU()", "nn.Tanh()"))
    assert fix(file, least="warning").changes == ()
    result = fix(file, unsafe=True, only={"tanh-here"})
    assert rules_of(result.report.fixed) == ["tanh-here"]


class TestSeveralFiles:
    PARTS = (
        "from torch import nn\n\n\nclass Block(nn.Sequential):\n    def __init__(self):\n"
        "        super().__init__(nn.Linear(8, 8), nn.ReLU())\n"
    )
    MAIN = f"{HEAD}from parts import Block\n\nnet = nn.Sequential(Block(), nn.Linear(8, 2))\n"

    def test_what_another_file_defines_is_fixed_there_if_it_is_given(self, write, fix) -> None:
        parts, main = write(self.PARTS, "parts.py"), write(self.MAIN, "main.py")
        result = fix(main, parts)
        assert [change.original.path for change in result.changes] == [str(parts)]
        assert result.changes[0].text == self.PARTS.replace("ReLU()", "ReLU(inplace=True)")
        assert result.report.findings == ()

    def test_and_left_alone_if_it_is_not(self, write, fix) -> None:
        write(self.PARTS, "parts.py")
        result = fix(write(self.MAIN, "main.py"))
        assert result.changes == ()
        assert rules_of(result.report.findings) == ["relu-not-inplace-here"]

    def test_a_fix_that_breaks_another_file_is_taken_back(self, write, fix) -> None:
        parts = write(
            "from torch import nn\n\n\nclass Block(nn.Sequential):\n    def __init__(self):\n"
            "        super().__init__(nn.Linear(8, 8), nn.Tanh())\n\n# nnlint: input=8\n",
            "parts.py",
        )
        main = write(
            f"{HEAD}from parts import Block\n\n\nclass Net(nn.Module):\n    def __init__(self):\n"
            "        super().__init__()\n        self.block = Block()\n"
            "        if not isinstance(self.block[1], nn.Tanh):\n            raise ValueError('only with tanh')\n\n"
            "    def forward(self, x):\n        return self.block(x)\n",
            "main.py",
        )
        result = fix(parts, main, unsafe=True)
        assert result.changes == ()
        assert "does not run any more" in result.report.taken_back[0].reason
        assert "main.py" in result.report.taken_back[0].reason
        assert all(network.status == "traced" for network in result.report.networks)

    def test_relative_imports_and_the_files_own_path(self, tmp_path, fix) -> None:
        package = tmp_path / "package"
        package.mkdir()
        (package / "__init__.py").write_text("")
        (package / "parts.py").write_text("WIDTH = 8\n")
        (package / "width.txt").write_text("8")
        file = package / "net.py"
        file.write_text(
            f"{HEAD}from pathlib import Path\nfrom .parts import WIDTH\n\n"
            "size = int(Path(__file__).with_name('width.txt').read_text())\n"
            "net = nn.Sequential(nn.Linear(size, WIDTH), nn.ReLU())\n"
        )
        result = fix(file)
        assert "nn.ReLU(inplace=True)" in result.changes[0].text
        assert sorted(path.name for path in package.iterdir() if path.is_file()) == [
            "__init__.py", "net.py", "parts.py", "width.txt"
        ]  # fmt: skip

    def test_one_file_twice(self, write, fix) -> None:
        file = write(net("nn.Linear(8, 8)", "nn.ReLU()") + "other = nn.Sequential(nn.Linear(8, 8), nn.ReLU())\n")
        result = fix(f"{file}:net", f"{file}:other")
        assert len(result.changes) == 1
        assert result.changes[0].text.count("inplace=True") == 2


def test_many_passes_end(write, fix, monkeypatch) -> None:
    monkeypatch.setattr(run, "MOST_PASSES", 1)
    result = fix(write(net("nn.Linear(8, 8)", "nn.Tanh()")), unsafe=True)
    assert result.changes[0].text == net("nn.Linear(8, 8)", "nn.ReLU()")
    assert rules_of(result.report.findings) == ["relu-not-inplace-here"]


def test_the_trials_of_one_file_are_counted(write, fix, monkeypatch) -> None:
    monkeypatch.setattr(run, "MOST_TRIALS", 1)
    result = fix(write(net("nn.Linear(8, 8)", "nn.Tanh()")), unsafe=True)
    assert result.changes[0].text == net("nn.Linear(8, 8)", "nn.ReLU()")
    assert [one.reason for one in result.report.taken_back] == ["too many fixes of this file have been tried already"]


def test_a_network_too_large_for_numbers_is_compared_by_its_structure(write, fix) -> None:
    file = write(net("nn.Linear(8, 20000)", "nn.ReLU()", "nn.Linear(20000, 20000)"))
    result = fix(file)
    assert rules_of(result.report.fixed) == ["relu-not-inplace-here"]
    assert result.report.networks[0].proof.unproven == "it is too large to be run with numbers"


def test_a_run_that_edits_leaves_no_trace_in_the_process(write, fix) -> None:
    import linecache

    file = write(net("nn.Linear(8, 8)", "nn.ReLU()"))
    fix(file)
    linecache.checkcache()
    assert "inplace" not in "".join(linecache.getlines(str(file)))
    assert engine.run([str(file)]).networks[0].status == "traced"

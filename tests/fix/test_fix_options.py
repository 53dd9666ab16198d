"""`--fix`, `--unsafe-fixes`, `--diff` and `--fix-only` on the command line, and `lint_paths(fix=True)`."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import nnlint
from nnlint.__main__ import main
from nnlint.fix import files

NET = """\
import torch
from torch import nn

# nnlint: input=8
net = nn.Sequential(
    nn.Linear(8, 8),
    nn.ReLU(),  # rectified
    nn.Linear(8, 8),
    nn.Tanh(),
)
"""
SAFE = NET.replace("ReLU()", "ReLU(inplace=True)")
BOTH = SAFE.replace("Tanh()", "ReLU(inplace=True)")


@pytest.fixture
def file(tmp_path: Path, pack: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network with one fault that is mended safely and one that is not, and a configuration with the rules."""
    (tmp_path / "nnlint.toml").write_text(
        f'local-rules = ["{pack}"]\nselect = ["relu-not-inplace-here", "tanh-here"]\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    net = tmp_path / "net.py"
    net.write_text(NET)
    return net


def test_without_fix_nothing_is_written_but_said(file: Path, capsys) -> None:
    assert main(["check", "net.py", "--output-format", "concise"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "net.py:7:5: info relu-not-inplace-here [*] relu-not-inplace-here: not good"
    assert out[1] == "net.py:9:5: warning tanh-here tanh-here: not good"  # the fix is not safe
    assert out[-2:] == ["Found 2 (1 warning, 1 note).", "[*] 1 fixable with --fix (1 more with --unsafe-fixes)"]
    assert file.read_text() == NET


def test_safe_fixes(file: Path, capsys) -> None:
    assert main(["check", "net.py", "--fix"]) == 1  # the warning is left
    out = capsys.readouterr().out.splitlines()
    assert out[-2:] == ["Found 2 findings (1 fixed, 1 remaining).", "1 fixable with --fix --unsafe-fixes"]
    assert file.read_text() == SAFE


def test_all_fixes(file: Path, capsys) -> None:
    assert main(["check", "net.py", "--fix", "--unsafe-fixes"]) == 0
    # the ReLU that comes in the place of the Tanh is mended too
    assert capsys.readouterr().out.splitlines()[-1] == "Found 3 findings (3 fixed, 0 remaining)."
    assert file.read_text() == BOTH
    assert main(["check", "net.py", "--fix", "--unsafe-fixes"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "All checks passed."


def test_a_diff_writes_nothing(file: Path, capsys) -> None:
    assert main(["check", "net.py", "--diff"]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "--- a/net.py",
        "+++ b/net.py",
        "@@ -4,7 +4,7 @@",
        " # nnlint: input=8",
        " net = nn.Sequential(",
        "     nn.Linear(8, 8),",
        "-    nn.ReLU(),  # rectified",
        "+    nn.ReLU(inplace=True),  # rectified",
        "     nn.Linear(8, 8),",
        "     nn.Tanh(),",
        " )",
    ]
    assert err.splitlines()[-2:] == ["Not fixed: tanh-here (its fix is unsafe)", "Would fix 1 finding."]
    assert file.read_text() == NET
    file.write_text(SAFE)
    assert main(["check", "net.py", "--diff"]) == 0
    assert capsys.readouterr().out == ""


def test_only_fixing(file: Path, capsys) -> None:
    assert main(["check", "net.py", "--fix-only"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1] == "Fixed 1 finding."
    assert file.read_text() == SAFE


def test_what_is_not_shown_is_not_fixed(file: Path) -> None:
    assert main(["check", "net.py", "--fix", "--min-level", "warning"]) == 1
    assert file.read_text() == NET


def test_what_cannot_be_written_is_an_error(file: Path, capsys, monkeypatch) -> None:
    def refuse(original: files.Original, text: str) -> None:
        raise files.ChangedError("is read-only", where=original.path, help="make it writable")

    monkeypatch.setattr(files, "write", refuse)
    assert main(["check", "net.py", "--fix"]) == 2
    assert "nnlint: error: net.py: is read-only\n  help: make it writable" in capsys.readouterr().err
    assert file.read_text() == NET


def test_what_was_taken_back_is_said(file: Path, pack: str, capsys) -> None:
    file.write_text(NET.replace("Tanh", "Sigmoid"))
    main(["check", "net.py", "--fix", "--select", "wrongly-safe", "--output-format", "json"])
    out, err = capsys.readouterr()
    reason = "`Sequential` computes other numbers"
    assert f"net.py:9:5: note: the fix of wrongly-safe was taken back: {reason}" in err
    report = json.loads(out)
    (back,) = report["taken_back"]
    assert (back["rule"], back["file"], back["line"], back["reason"]) == ("wrongly-safe", "net.py", 9, reason)
    schema = json.loads((Path(nnlint.__file__).parent / "report" / "report.schema.json").read_text("utf-8"))
    jsonschema.validate(report, schema)


def test_json_counts(file: Path, capsys) -> None:
    main(["check", "net.py", "--output-format", "json"])
    report = json.loads(capsys.readouterr().out)
    counts = [report["summary"][key] for key in ("findings", "fixed", "fixable", "fixable_unsafe")]
    assert counts == [2, 0, 1, 1]
    fix = next(finding["fix"] for finding in report["findings"] if finding["rule"] == "tanh-here")
    assert fix["safe"] is False
    assert [(edit["line"], edit["column"], edit["text"]) for edit in fix["edits"]] == [(9, 8, "ReLU")]


def test_the_api_fixes_files(file: Path) -> None:
    report = nnlint.lint_paths(["net.py"], fix=True)
    assert [finding.rule for finding in report.fixed] == ["relu-not-inplace-here"]
    assert [finding.rule for finding in report] == ["tanh-here"]
    assert file.read_text() == SAFE
    assert nnlint.lint_paths(["net.py"], fix=True, unsafe_fixes=True).ok
    assert file.read_text() == BOTH

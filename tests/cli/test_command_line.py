"""The command line: how it is called, where its output goes, what its exit code says."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nnlint import engine
from nnlint.__main__ import COMMANDS, main
from nnlint.finding import Finding
from nnlint.report.model import FileReport, NetworkReport, Report
from nnlint.settings import Settings
from nnlint.site import Site

NET = """\
import torch
from torch import nn

net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Dropout(0.5), nn.BatchNorm2d(8), nn.ReLU())
print(net(torch.rand(2, 3, 32, 32)).shape)
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "plain.py").write_text("print('never run')\n")
    (tmp_path / "net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "NNLINT_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def pretend(
    monkeypatch: pytest.MonkeyPatch, *findings: Finding, status: str = "traced", **fields: object
) -> list[object]:
    """Replaces the run by one that found these; returns the list that receives the arguments."""
    seen: list[object] = []
    network = NetworkReport("net.py:Net", "net.py", "Net", "Net", status, inputs=("2x3",), reason="why")
    report = FileReport("net.py", (network,), findings, **fields)

    def run(paths: list[str], settings: Settings, progress: object = None, configs: object = None) -> Report:
        seen.extend([paths, settings])
        return Report((replace(report, fail_on=settings.fail_on),))

    monkeypatch.setattr(engine, "run", run)
    return seen


def finding(level: str = "warning", rule: str = "some-rule", line: int = 1) -> Finding:
    return Finding("says so", Site("net.py", line, 1, line, 7), rule=rule, level=level, category="house")


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip


# -- calling it


def test_the_bare_form_is_check(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plain.py"]) == main(["check", "plain.py"]) == 0
    assert capsys.readouterr().out == "1 file without a network\nAll checks passed.\n" * 2


def test_options_may_come_first(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = pretend(monkeypatch)
    assert main(["--select", "small-batch,dropout", "--select", "loss", "net.py", "-j", "2"]) == 0
    paths, settings = seen
    assert paths == ["net.py"]
    assert settings.select == ("small-batch", "dropout", "loss")
    assert settings.jobs == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_a_path_may_be_called_as_a_command(files: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    seen = pretend(monkeypatch)
    assert main(["check", "--", command]) == 0
    assert seen[0] == [command]


def test_every_command_is_known_and_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    from nnlint.cli.app import app

    assert sorted(command.name for command in app.registered_commands) == sorted(COMMANDS)
    for command in COMMANDS:
        assert main([command, "--help"]) == 0
        assert f"Usage: nnlint {command}" in capsys.readouterr().out


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    from nnlint import __version__

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"nnlint {__version__}\n"
    assert main(["--help"]) == main(["-h"]) == 0
    assert "Exit codes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nope.py"], "nope.py: there is no such file"),
        (["net.py", "--loss", "cross_entrpy"], "no loss is called 'cross_entrpy'; did you mean 'cross_entropy'?"),
        (["plain.py", "--no-such-option"], "No such option"),
        (["plain.py", "--fail-on", "fatal"], "fatal"),
        (["plain.py", "--select", "small-bach"], "did you mean 'small-batch'"),
        (["plain.py", "--ignore", "all"], "no rule is left to run"),
        (["plain.py", "-o", "no/such/folder/x.txt"], "cannot write"),
        (["rule", "small-bach"], "did you mean 'small-batch'"),
        (["rule"], "the name of one rule, or --all"),
        (["graph", "nope.py"], "no such file"),
        (["check"], "Missing argument"),
    ],
)
def test_wrong_use_is_two(files: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


# -- exit codes


@pytest.mark.parametrize(
    ("levels", "options", "code"),
    [
        ([], [], 0),
        (["info"], [], 0),
        (["warning"], [], 1),
        (["error", "info"], [], 1),
        (["info"], ["--fail-on", "info"], 1),
        (["warning"], ["--fail-on", "error"], 0),
        (["error"], ["--fail-on", "never"], 0),
        (["error"], ["--exit-zero"], 0),
        # what is not shown does not count
        (["warning"], ["--min-level", "error"], 0),
        (["error", "warning"], ["--min-level", "error"], 1),
    ],
)
def test_findings_at_the_fail_level_are_one(
    files: Path, monkeypatch: pytest.MonkeyPatch, levels: list[str], options: list[str], code: int
) -> None:
    pretend(monkeypatch, *(finding(level) for level in levels))
    assert main(["net.py", *options]) == code


@pytest.mark.parametrize("options", [[], ["--exit-zero"], ["--fail-on", "never"]])
def test_what_nnlint_failed_to_do_is_two_whatever_is_asked(
    files: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    pretend(monkeypatch, errors=("it broke",))
    assert main(["net.py", *options]) == 2
    pretend(monkeypatch, finding("error", "internal-error"))
    assert main(["net.py", *options]) == 2
    pretend(monkeypatch, finding("warning", "network-not-built"), status="failed")
    assert main(["net.py", *options]) == 2


def test_a_fault_in_a_network_that_does_not_run_is_one(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, finding("error", "shape-mismatch"), status="built")
    assert main(["net.py"]) == 1


def test_nothing_to_check_is_two_and_nothing_in_a_file_is_zero(files: Path) -> None:
    (files / "empty").mkdir()
    assert main(["empty"]) == 2
    assert main(["plain.py"]) == 0


def test_an_uncaught_exception_is_two(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: object) -> None:
        raise RuntimeError("it broke")

    monkeypatch.setattr(engine, "run", run)
    assert main(["net.py"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("nnlint: internal error: RuntimeError: it broke\n")
    assert "Traceback" not in said
    assert main(["net.py", "--verbose"]) == 2
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.setenv("NNLINT_TRACEBACK", "1")
    assert main(["net.py"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_is_told_apart(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "run", run)
    assert main(["net.py"]) == 130


# -- output


def test_findings_go_to_stdout_and_the_rest_to_stderr(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend(monkeypatch, finding(), notes=("stood in for cv2",), output="epoch 1\n", errors=("it broke",))
    main(["net.py", "--verbose"])
    captured = capsys.readouterr()
    assert "some-rule" in captured.out
    assert captured.err.splitlines() == [
        "nnlint: error: net.py: it broke",
        "net.py: note: stood in for cv2",
        "net.py: output: epoch 1",
    ]
    main(["net.py", "--quiet", "--output-format", "concise"])
    captured = capsys.readouterr()
    assert captured.out == "net.py:1:1: warning some-rule says so\n"
    assert captured.err == "nnlint: error: net.py: it broke\n"


def test_json_is_all_there_is_on_stdout(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend(monkeypatch, finding(), notes=("a note",))
    assert main(["net.py", "--output-format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["summary"]["warnings"] == 1


def test_the_report_goes_to_a_file(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend(monkeypatch, finding())
    assert main(["net.py", "-o", "report.txt"]) == 1
    assert capsys.readouterr().out == ""
    assert "some-rule" in (files / "report.txt").read_text()


def test_levels_below_the_least_are_not_shown(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend(monkeypatch, finding("info", "a-note"), finding("error", "an-error", 2))
    main(["net.py", "--min-level", "warning"])
    out = capsys.readouterr().out
    assert "an-error" in out
    assert "a-note" not in out
    assert "Found 1 (1 error)." in out


def test_findings_that_are_not_shown_are_counted(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend(monkeypatch, finding("info", "a-note"), finding("warning", "a-warning", 2))
    assert main(["net.py", "--min-level", "error"]) == 0
    out = capsys.readouterr().out
    assert "Nothing to report (2 findings below --min-level not shown)." in out
    assert "All checks passed" not in out


def test_settings_are_those_that_users_have(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["net.py", "--show-settings"]) == 0
    names = {line.partition(" = ")[0] for line in capsys.readouterr().out.splitlines() if " = " in line}
    assert {"select", "ignore", "rules", "inputs", "fail-on"} <= names
    assert not names & {"texts", "proof", "numbers", "rows"}


def test_statistics_and_timing(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend(monkeypatch, finding(), finding(line=2), timing={"load": 1.5, "some-rule": 0.25})
    main(["net.py", "--statistics", "--timing"])
    captured = capsys.readouterr()
    assert captured.out.startswith("2  some-rule\n")
    lines = captured.err.splitlines()
    assert lines[:2] == ["   1.500 s  load", "   0.250 s  some-rule"]
    assert lines[2].endswith(" s  in all, the import of torch included")


def test_colour_is_as_asked(files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pretend(monkeypatch, finding())

    def coloured(*options: str) -> bool:
        main(["net.py", *options])
        return "\x1b[" in capsys.readouterr().out

    assert not coloured()
    assert coloured("--color", "always")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert coloured()
    assert not coloured("--color", "never")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured()


def test_much_to_show_is_concise_on_a_terminal_alone(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend(monkeypatch, *(finding(line=line) for line in range(1, 32)))
    main(["net.py"])
    assert " --> " in capsys.readouterr().out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    main(["net.py", "--color", "never"])
    assert " --> " not in capsys.readouterr().out
    main(["net.py", "--color", "never", "--output-format", "full"])
    assert " --> " in capsys.readouterr().out


def test_show_files(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([".", "--show-files"]) == 0
    assert capsys.readouterr().out == "net.py\nplain.py\n"


def test_a_reader_that_leaves_early_is_no_crash(files: Path) -> None:
    script = f"{sys.executable} -m nnlint rule --all | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("activation-on-logits (warning)")
    assert done.stderr == ""
    assert done.returncode == 2  # not 1, which says that there are findings


@pytest.mark.skipif(os.name == "nt", reason="descriptors are closed by a shell of POSIX")
def test_what_was_closed_at_the_start_is_not_written_into(files: Path) -> None:
    script = f"{sys.executable} -m nnlint net.py --exit-zero --output-file out.txt >&-"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "dropout-before-batch-norm" in (files / "out.txt").read_text()


def test_what_the_terminal_cannot_show_is_escaped(files: Path) -> None:
    (files / "net.py").write_text(
        NET.replace("net = ", "网络 = ").replace("print(net(", "print(网络("), encoding="utf-8"
    )
    done = python("-m", "nnlint", "net.py", "--exit-zero", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0
    assert "dropout-before-batch-norm" in done.stdout


# -- rules


def test_rules_lists_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^  conv-kernel-not-3x3 +info     A large kernel", out, re.MULTILINE)
    assert main(["rules", "--output-format", "json"]) == 0
    names = {rule["name"] for rule in json.loads(capsys.readouterr().out)}
    assert {"small-batch", "network-not-built"} <= names


def test_rule_explains_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "dropout-before-batch-norm"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("dropout-before-batch-norm (warning)\ndropout, since 0.1, fix: unsafe\n\nBatch norm measures")
    assert "Bad: straight before (input 3x32x32)\n    return nn.Sequential(" in out
    assert "Good: attention dropout" in out
    assert main(["rule", "--all", "--output-format", "json"]) == 0
    assert all(rule["documentation"] for rule in json.loads(capsys.readouterr().out))


# -- what must be fast


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["--help"],
        ["check", "--help"],
        ["plain.py"],
        ["rules"],
        ["rule", "small-batch"],
        ["net.py", "--no-exec"],
        ["net.py", "--select", "nope"],
    ],
    ids=" ".join,
)
def test_torch_is_not_imported(files: Path, arguments: list[str]) -> None:
    done = python("-X", "importtime", "-m", "nnlint", *arguments)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "nnlint.errors" in imported
    assert not {"torch", "networkx", "numpy", "rich"} & imported


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["plain.py"]], ids=" ".join)
def test_it_is_quick(files: Path, arguments: list[str]) -> None:
    def seconds() -> float:
        # processor time: on the clock it depends on what else the machine does
        before = os.times()
        assert python("-m", "nnlint", *arguments).returncode == 0
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    python("-m", "nnlint", *arguments)
    assert min(seconds() for _ in range(5)) < 0.2


# -- for real


def test_a_network_from_file_to_report(files: Path) -> None:
    done = python("-m", "nnlint", "check", "net.py", "--loss", "cross_entropy", "--select", "dropout")
    assert done.returncode == 1
    assert (
        done.stdout
        == """\
warning dropout-before-batch-norm `2` normalises what `1` disturbs; move `1` after it
 --> net.py:4:69   Sequential.2, [N, 8, 32, 32]
  |
4 | net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Dropout(0.5), nn.BatchNorm2d(8), nn.ReLU())
  |                                                                     ^^^^^^^^^^^^^^^^^
  |
  = also: net.py:4:52 `1`
  = help: nnlint rule dropout-before-batch-norm

1 network in 1 file
  net.py:net with 2x3x32x32 (call at net.py:5)
Found 1 (1 warning).
1 fixable with --fix --unsafe-fixes
"""
    )
    assert done.stderr == ""


def test_graph_and_doctor(files: Path) -> None:
    done = python("-m", "nnlint", "graph", "net.py:net")
    assert done.returncode == 0
    assert "├─ 0 Conv2d" in done.stdout
    assert "total: 6 ops, 240 parameters, 442k MACs" in done.stdout
    done = python("-m", "nnlint", "doctor", "net.py")
    assert done.returncode == 0
    assert "net.py:net: traced" in done.stdout
    assert "input   2x3x32x32 (call at net.py:5)" in done.stdout


def test_graph_of_a_file_that_could_not_be_examined_does_not_say_there_is_no_network(files: Path) -> None:
    (files / "broken.py").write_text("net = (\n")
    done = python("-m", "nnlint", "graph", "broken.py")
    assert done.returncode == 2
    assert "broken.py" in done.stderr
    assert "no network found" not in done.stderr

"""A run over files: what stays in this process, what goes to workers, and what becomes of trouble."""

import sys
from pathlib import Path

import pytest

from nnlint import engine
from nnlint.errors import NnlintError, UsageError
from nnlint.report.model import FileReport
from nnlint.settings import Settings
from nnlint.targets import Target
from nnlint.worker import pool
from nnlint.worker.worker import Outcome

NET = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.drop = nn.Dropout(0.5)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x):
        return self.norm(self.drop(self.conv(x))).relu_()


if __name__ == "__main__":
    net = Net()
    net(torch.rand(2, 3, 32, 32))
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "plain.py").write_text("print('never run')\n")
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "broken.py").write_text("def f(:\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def no_workers(*_: object) -> None:
    raise AssertionError("a worker was started")


def test_a_file_without_a_network_needs_no_worker(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_start_workers", no_workers)
    (report,) = engine.run(["plain.py"]).files
    assert report == FileReport("plain.py", empty=True)


def test_no_exec_needs_no_worker(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_start_workers", no_workers)
    (report,) = engine.run(["net.py"], Settings(execute=False)).files
    assert (report.networks, report.findings, report.errors) == ((), (), ())


def test_reports_come_in_the_order_given(files: Path) -> None:
    done: list[tuple[int, int]] = []
    report = engine.run(["plain.py", "net.py", "broken.py"], Settings(), lambda *numbers: done.append(numbers))
    assert [file.path for file in report.files] == ["plain.py", "net.py", "broken.py"]
    assert done == [(1, 3), (2, 3), (3, 3)]
    plain, net, broken = report.files
    assert plain.empty
    assert [(network.name, network.status) for network in net.networks] == [("Net", "traced")]
    assert [finding.rule for finding in net.findings] == ["dropout-before-batch-norm"]
    assert net.findings[0].site.line == 10
    assert "1:7" in broken.errors[0]
    assert report.failed


def test_only_the_rules_asked_for_run(files: Path) -> None:
    report = engine.run(["net.py"], Settings(ignore=("dropout",)))
    assert not report.findings
    assert report.ok


def test_a_wrong_rule_name_stops_before_anything_is_done(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_start_workers", no_workers)
    with pytest.raises(UsageError, match="did you mean 'dropout'"):
        engine.run(["net.py"], Settings(select=("dropuot",)))


def test_several_workers_share_the_files(files: Path) -> None:
    for name in ("one.py", "two.py", "three.py"):
        (files / name).write_text(NET)
    report = engine.run(["one.py", "two.py", "three.py"], Settings(jobs=2))
    assert [file.path for file in report.files] == ["one.py", "two.py", "three.py"]
    assert [len(file.findings) for file in report.files] == [1, 1, 1]


def test_what_was_found_before_the_end_is_kept() -> None:
    partial = FileReport("net.py", notes=("found before",))
    report = pool._report(Target("net.py"), Outcome("timeout", None, "2 s", (partial,), "printed", ""))
    assert report.notes == ("found before",)
    assert report.output == "printed"
    assert report.errors == (
        "not examined to the end: it took longer than 2 s\n  help: give it more with --time-limit",
    )


def test_an_endless_file_ends(files: Path) -> None:
    (files / "endless.py").write_text(NET.replace("super().__init__()", "super().__init__()\n        while True: pass"))
    report = engine.run(["endless.py"], Settings(time_limit=1.5))
    (file,) = report.files
    assert file.errors or any(network.status != "traced" for network in file.networks)


@pytest.mark.parametrize("hook", ["", "1"])
def test_without_torch_it_says_where_it_looked(files: Path, monkeypatch: pytest.MonkeyPatch, hook: str) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PRE_COMMIT", hook)
    with pytest.raises(NnlintError) as caught:
        engine.run(["net.py"])
    assert sys.executable in str(caught.value)
    assert ("additional_dependencies" in str(caught.value)) == bool(hook)


def test_a_file_that_breaks_the_reader_costs_only_itself(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nnlint.script import read

    def broken(path: str) -> None:
        if path == "net.py":
            raise KeyError("oh")
        raise NnlintError("not Python", where=f"{path}:1:2")

    monkeypatch.setattr(read, "read", broken)
    report = engine.run(["net.py", "plain.py"])
    assert report.failed == (
        "net.py: internal error while reading it: KeyError: 'oh'",
        "plain.py: 1:2: not Python",
    )
    assert "Traceback" in report.files[0].output


BLOCK = """\
from torch import nn


def block(width):
    return nn.Sequential(nn.Linear(width, width), nn.Dropout(0.5), nn.BatchNorm1d(width), nn.ReLU())
"""
USER = """\
import torch
from block import block

net = block({width})
net(torch.rand(4, {width}))
"""


@pytest.mark.parametrize("names", [("a.py", "b.py"), ("a.py", "block.py", "b.py")])
def test_what_two_files_find_in_a_third_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    (tmp_path / "block.py").write_text(BLOCK)
    (tmp_path / "a.py").write_text(USER.format(width=8))
    (tmp_path / "b.py").write_text(USER.format(width=16))
    monkeypatch.chdir(tmp_path)
    report = engine.run(names, Settings(select=("dropout-before-batch-norm",)))
    assert [str(finding.site) for finding in report] == ["block.py:5:68"]
    assert [network.status for network in report.networks if network.file != "block.py"] == ["traced", "traced"]

"""The pytest plugin, in scratch projects of its own (`pytester`)."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

FAULTY = """\
import torch
from torch import nn


class Clean(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(16, 32), nn.Linear(32, 4)

    def forward(self, x):
        return self.second(torch.relu_(self.first(x)))


class Faulty(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 32, 3, padding=1, bias=False)
        self.drop, self.norm = nn.Dropout(0.2), nn.BatchNorm2d(32)

    def forward(self, x):
        return self.norm(self.drop(self.conv(x))).relu_()


if __name__ == "__main__":
    clean, faulty = Clean(), Faulty()
    clean(torch.rand(2, 16))
    faulty(torch.rand(2, 3, 8, 8))
"""
INI = """\
[pytest]
nnlint_select = dropout-before-batch-norm missing-activation
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini(INI)
    pytester.makepyfile(
        **{"src/net": FAULTY, "src/plain": "print('never run')\n", "tests/test_it": "def test(): pass\n"}
    )
    return pytester


def test_every_network_is_a_test(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("--nnlint", "-p", "no:cacheprovider", "-v")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        [
            "src/net.py::Clean PASSED*",
            "src/net.py::Faulty FAILED*",
            "src/net.py::training PASSED*",
            "warning dropout-before-batch-norm `norm` normalises what `drop` disturbs; move `drop` after it",
            "*self.drop, self.norm = nn.Dropout(0.2), nn.BatchNorm2d(32)",
            "*^^^^^^^^^^^^^^^^^^",
        ]
    )
    assert "Traceback" not in result.stdout.str()


def test_without_the_option_nothing_is_collected(project: pytest.Pytester) -> None:
    project.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_one_run_for_all_files(project: pytest.Pytester) -> None:
    project.makepyfile(**{"src/other": FAULTY})
    project.makeconftest("""
import nnlint
original = nnlint.lint_paths
def counted(paths, *args, **kwargs):
    print("RUN", len(paths))
    return original(paths, *args, **kwargs)
nnlint.lint_paths = counted
""")
    result = project.runpytest_subprocess("--nnlint", "-s", "-p", "no:cacheprovider")
    assert [line for line in result.outlines if "RUN" in line] == ["RUN 2"] or "RUN 2" in result.stdout.str()
    assert result.stdout.str().count("RUN") == 1


def test_selected_by_the_marker_and_dealt_out_by_xdist(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("--nnlint", "-m", "nnlint", "-n", "2", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, failed=1)


def test_the_level_and_the_files_of_the_ini(project: pytest.Pytester) -> None:
    project.makeini(INI + "nnlint_fail_on = error\nnnlint_files = src/*.py\n")
    project.runpytest_subprocess("--nnlint", "-p", "no:cacheprovider").assert_outcomes(passed=4)
    project.makeini(INI + "nnlint_files = other/*.py\n")
    project.runpytest_subprocess("--nnlint", "-p", "no:cacheprovider").assert_outcomes(passed=1)
    project.makeini(INI + "nnlint_fail_on = loud\n")
    result = project.runpytest_subprocess("--nnlint", "-p", "no:cacheprovider")
    result.stderr.fnmatch_lines(["*nnlint_fail_on: expected one of error, warning, info, found 'loud'*"])


def test_the_configuration_counts(project: pytest.Pytester) -> None:
    project.makepyprojecttoml('[tool.nnlint]\nignore = ["dropout"]\n')
    project.makeini("[pytest]\n")
    result = project.runpytest_subprocess("--nnlint", "-p", "no:cacheprovider", "-v")
    assert "dropout-before-batch-norm" not in result.stdout.str()


def test_what_could_not_be_checked_fails(project: pytest.Pytester) -> None:
    project.makepyfile(**{"src/net": FAULTY.replace("nn.Linear(16, 32)", "nn.Linear(16, 32, 1 / 0)")})
    project.makeini("[pytest]\n")
    result = project.runpytest_subprocess("--nnlint", "-p", "no:cacheprovider")
    assert result.parseoutcomes()["failed"] >= 1
    result.stdout.fnmatch_lines(["*network-not-built*ZeroDivisionError*"])


FIXTURE = """
import pytest, torch
from torch import nn

import nnlint as tool
from nnlint.kinds import convolution


def make():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.Dropout(0.2), nn.BatchNorm2d(8), nn.ReLU(inplace=True)
    )


x = torch.rand(2, 3, 8, 8)


def test_faulty(nnlint):
    nnlint(make(), x, select=["dropout-before-batch-norm"]).assert_clean()


def test_empty(nnlint):
    assert nnlint(make(), x, select=["dropout-before-batch-norm"]) == []


def test_ignored_by_the_call(nnlint):
    nnlint(make(), x, ignore=["dropout", "convolution"]).assert_clean("error")


@pytest.mark.nnlint(select="missing-activation")
def test_selected_by_the_marker(nnlint):
    report = nnlint(make(), x)
    assert report == []
    report.assert_clean("info")


def test_structure():
    graph = tool.graph(make(), x)
    assert all(conv.hyper.kernel == (3, 3) for conv in graph.find(convolution))
"""


def test_the_fixture(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(FIXTURE)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--strict-markers")
    result.assert_outcomes(passed=3, failed=2)
    result.stdout.fnmatch_lines(
        [
            "the network is not clean",
            "warning dropout-before-batch-norm `2` normalises what `1` disturbs; move `1` after it",
            "Found 1 (1 warning).",
            "*assert nnlint found something:*",
        ]
    )
    assert "pytest_plugin.py" not in result.stdout.str()


def test_the_fixture_obeys_the_configuration(pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml('[tool.nnlint]\nignore = ["dropout"]\nrules.missing-activation.level = "info"\n')
    pytester.makepyfile(FIXTURE.replace(', select=["dropout-before-batch-norm"]', ""))
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--strict-markers")
    result.assert_outcomes(passed=5)


def test_the_plugin_alone_imports_no_torch() -> None:
    code = (
        "import sys, nnlint.pytest_plugin; assert 'torch' not in sys.modules; assert 'nnlint.engine' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_session_that_does_not_use_it_imports_no_torch(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import sys\ndef test_it():\n    assert 'torch' not in sys.modules\n")
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)

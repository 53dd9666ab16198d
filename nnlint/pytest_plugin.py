"""The pytest plugin: the ``nnlint`` fixture, and ``--nnlint``, which checks the files of a project as tests.

pytest loads it in every session, so nothing here imports torch, nor the engine, before it is used.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nnlint.finding import LEVELS, Level

if TYPE_CHECKING:
    from torch import nn

    from nnlint.finding import Finding
    from nnlint.report.model import FileReport, Report
    from nnlint.settings import Settings

#: the item of a file that has the findings of no single network
TRAINING = "training"
_MARKER = (
    "nnlint(select=(), ignore=()): the tests that --nnlint collects have it; on a test of yours it says which rules "
    "the fixture `nnlint` runs"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option ``--nnlint`` and the settings of the ini file."""
    group = parser.getgroup("nnlint", "networks of PyTorch")
    group.addoption("--nnlint", action="store_true", help="check the networks of the collected files as tests")
    parser.addini("nnlint_files", "patterns of the files that --nnlint checks", type="args", default=["*.py"])
    parser.addini("nnlint_select", "rules, categories or all to run instead of the configured ones", type="args")
    parser.addini("nnlint_ignore", "rules or categories not to run", type="args")
    parser.addini("nnlint_fail_on", "level from which a test fails: error, warning or info", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker; a wrong level in the ini file is told at once."""
    config.addinivalue_line("markers", _MARKER)
    level = config.getini("nnlint_fail_on")
    if level and level not in LEVELS:
        raise pytest.UsageError(f"nnlint_fail_on: expected one of {', '.join(LEVELS)}, found {level!r}")


# -- the fixture


class Checker:
    """What the fixture ``nnlint`` is: called with a network and an input, it returns the report."""

    def __init__(self, folder: Path, select: Iterable[str], ignore: Iterable[str]) -> None:
        self._folder = folder
        self._select, self._ignore = tuple(select), tuple(ignore)

    def __call__(
        self,
        model: nn.Module,
        args: Any = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        loss: Any = None,
        optimizer: Any = None,
        loader: Any = None,
        select: Iterable[str] = (),
        ignore: Iterable[str] = (),
    ) -> Report:
        """Check a live network: `nnlint.lint`, with the configuration that applies to the test's file, and the rules
        that the test's marker says.

        ``nnlint(model, x).assert_clean()`` fails the test with the report as its text.

        Raises:
            TraceError: if the forward pass raises.
            UsageError: for a rule or a loss that does not exist, or a wrong configuration.
        """
        import nnlint
        from nnlint.config.find import closest

        chosen = tuple(select) or self._select
        left_out = (*self._ignore, *ignore)
        report = nnlint.lint(
            model,
            args,
            kwargs,
            loss=loss,
            optimizer=optimizer,
            loader=loader,
            select=chosen,
            ignore=left_out,
            config=closest(self._folder),
        )
        return _failing(report)


def _failing(report: Report) -> Report:
    """The report, whose `assert_clean` fails the test with its own text alone instead of a traceback."""
    from nnlint.report import model

    class TestedReport(model.Report):
        def assert_clean(self, level: Level = "warning") -> None:
            __tracebackhide__ = True
            if (text := self.unclean(level)) is not None:
                pytest.fail(text, pytrace=False)

    return TestedReport(report.files, report.errors, report.notes)


@pytest.fixture
def nnlint(request: pytest.FixtureRequest) -> Checker:
    """Checks a live network: ``nnlint(model, x, loss="cross_entropy").assert_clean()``."""
    marker = request.node.get_closest_marker("nnlint")
    given = marker.kwargs if marker else {}
    return Checker(request.path.parent, _words(given.get("select", ())), _words(given.get("ignore", ())))


def _words(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """``assert report == []`` shows the report."""
    from nnlint.report.model import Report

    if op == "==" and isinstance(left, Report) and right == []:
        return ["nnlint found something:", *str(left).splitlines()]
    return None


# -- files as tests


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """With ``--nnlint``, every Python file that has a network and is no test itself."""
    config = parent.config
    if not config.getoption("--nnlint") or file_path.suffix != ".py":
        return None
    if _is_test(file_path, config) or not any(_matches(file_path, p, config) for p in config.getini("nnlint_files")):
        return None
    return NetworkFile.from_parent(parent, path=file_path)


def _is_test(path: Path, config: pytest.Config) -> bool:
    patterns: list[str] = config.getini("python_files")
    return path.name == "conftest.py" or any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns)


def _matches(path: Path, pattern: str, config: pytest.Config) -> bool:
    relative = path.relative_to(config.rootpath) if path.is_relative_to(config.rootpath) else path
    return fnmatch.fnmatch(path.name, pattern) or fnmatch.fnmatch(relative.as_posix(), pattern)


class NetworkFile(pytest.File):
    """A file whose networks are tests. Collecting it reads its source; nothing is run yet."""

    def collect(self) -> Iterator[pytest.Item]:
        """A test for each network that the source shows, and one for how it trains and whatever else is found."""
        from nnlint.errors import NnlintError
        from nnlint.script.read import read

        try:
            script = read(str(self.path))
        except NnlintError as error:
            raise self.CollectError(str(error)) from error
        whole = [cls.name for cls in script.networks if not cls.used_by]
        built = [build.variable for build in script.builds if build.owner is None and build.variable]
        names = dict.fromkeys([*whole, *(name for name in built if not _is_class(script, name))])
        if not (whole or built or script.factories):
            return
        lines = {cls.name: cls.site.line for cls in script.networks} | {
            build.variable: build.site.line for build in script.builds
        }
        for name in [*names, TRAINING]:
            item = NetworkItem.from_parent(self, name=name)
            item.line = lines.get(name, 1) - 1
            item.others = tuple(names)
            item.add_marker("nnlint")
            yield item


def _is_class(script: Any, variable: str) -> bool:
    """Whether a variable holds a network whose class is a test already."""
    classes = {cls.name for cls in script.networks}
    return any(build.variable == variable and build.callee in classes for build in script.builds)


class NetworkItem(pytest.Item):
    """One network of a file: fails with the report on it."""

    line = 0
    others: tuple[str, ...] = ()

    def runtest(self) -> None:
        """Checks the files of the session, once, and picks what is said of this network.

        Raises:
            NnlintError: for what keeps nnlint from checking: a wrong configuration, torch missing.
        """
        report = _report(self)
        (file,) = report.files
        findings = [found for found in file.findings if self._concerns(found) and _fails(found, file)]
        if self.name == TRAINING and report.failed:
            raise CheckError("\n".join(report.failed))
        if findings:
            raise FindingsError(_text(file, findings))

    def _concerns(self, found: Finding) -> bool:
        """A finding belongs to the test of its network; those of no network that has one, to ``training``."""
        owner = next((name for name in self.others if name == found.network), TRAINING)
        return owner == self.name

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it stands, for pytest's report."""
        return self.path, self.line, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The report itself, without a traceback of nnlint's insides."""
        from nnlint.errors import NnlintError

        if isinstance(excinfo.value, FindingsError | CheckError | NnlintError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


class FindingsError(Exception):
    """The findings of one network, as text."""


class CheckError(Exception):
    """What kept nnlint from checking a file."""


_REPORTS = pytest.StashKey[dict[Path, "Report"]]()


def _report(item: NetworkItem) -> Report:
    """The report on the item's file. All files of the session are checked in one run, unless xdist deals them out."""
    stash = item.session.stash.setdefault(_REPORTS, {})
    if item.path not in stash:
        dealt_out = hasattr(item.config, "workerinput")
        items = [item] if dealt_out else [other for other in item.session.items if isinstance(other, NetworkItem)]
        stash.update(_checked(list(dict.fromkeys(other.path for other in items)), item.config))
    return stash[item.path]


def _checked(paths: list[Path], config: pytest.Config) -> dict[Path, Report]:
    from dataclasses import replace

    from nnlint import lint_paths

    report = lint_paths([_shown(path) for path in paths], _settings(config))
    return {path: replace(report, files=(file,)) for path, file in zip(paths, report.files, strict=True)}


def _shown(path: Path) -> str:
    """The path as a user would type it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _settings(config: pytest.Config) -> Settings:
    from nnlint.settings import Settings

    return Settings(
        select=tuple(config.getini("nnlint_select")),
        ignore=tuple(config.getini("nnlint_ignore")),
        fail_on=config.getini("nnlint_fail_on") or None,
    )


def _fails(found: Finding, file: FileReport) -> bool:
    threshold = file.fail_on or "warning"
    return threshold != "never" and LEVELS.index(found.level or "warning") <= LEVELS.index(threshold)


def _text(file: FileReport, findings: list[Finding]) -> str:
    from dataclasses import replace

    from nnlint.report import full
    from nnlint.report.model import Report

    return full.render(Report((replace(file, findings=tuple(findings)),))).rstrip()

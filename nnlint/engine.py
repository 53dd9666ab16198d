"""One run over files: each is read, examined (in a worker, where it has networks), and its findings are collected.

Reading costs milliseconds and imports no torch. The workers start as soon as one file needs them, so that torch loads
there while the remaining files are read here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Self

from nnlint import suppress
from nnlint.check import check_graph, check_recipe, tidy
from nnlint.config.apply import Configs
from nnlint.errors import NnlintError, RulePackError
from nnlint.finding import Finding
from nnlint.names import loss_named
from nnlint.recipe import Recipe
from nnlint.registry import list_rules, load_rules
from nnlint.report.model import FileReport, Report
from nnlint.script.source import instead
from nnlint.selection import choose
from nnlint.settings import Settings
from nnlint.targets import Target, expand

if TYPE_CHECKING:
    from nnlint.script.model import Script
    from nnlint.worker.pool import Workers

__all__ = ["Session", "check_graph", "check_recipe", "check_source", "expand", "once", "run", "with_rules"]

#: called after each file with the numbers of files done and of files in all
Progress = Callable[[int, int], None]


#: no configuration is looked for
ISOLATED = Configs(isolated=True)


def run(
    paths: Iterable[str],
    settings: Settings | None = None,
    progress: Progress | None = None,
    configs: Configs = ISOLATED,
    session: Session | None = None,
) -> Report:
    """Check files, folders and targets.

    Args:
        paths: as on the command line.
        settings: what to check and how; `Settings.rules` is filled in here.
        progress: told how far the run is.
        configs: which configuration applies to which file.
        session: keeps the workers for the next run.

    Returns:
        the report: one `FileReport` a target, in the order given.

    Raises:
        UsageError: for a path that does not exist, a rule or loss name that is none, or a wrong configuration.
    """
    asked = settings or Settings()
    paths = list(paths)
    targets = expand(paths, configs.excludes)
    excluded = not targets and bool(expand(paths))
    notes: list[str] = []
    for target in targets:
        configs.of(target.path)  # a wrong configuration is told before any work is done

    @cache
    def settings_of(index: int) -> Settings:
        # late: a rule that it names has to be looked for, which takes longer than reading a file without a network
        return configs.settings(targets[index].path, asked, notes)

    if asked.select or asked.extend_select or asked.ignore:
        with_rules(settings_of(0) if targets else asked)  # and so is a wrong name
    if asked.loss is not None:
        loss_named(asked.loss)
    reports: dict[int, FileReport] = {}
    errors: list[str] = []
    with ExitStack() as stack:
        stack.enter_context(instead(asked.texts))
        session = session or stack.enter_context(Session())
        for index, report in _examined(targets, settings_of, asked, errors, session):
            nothing = report.empty and not report.ran
            reports[index] = report if nothing else _finished(report, settings_of(index))
            if progress is not None:
                progress(len(reports), len(targets))
    return Report(once([reports[index] for index in range(len(targets))]), tuple(errors), tuple(notes), excluded)


class Session:
    """The workers of one or several runs: started when the first file needs them, ended with the session."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._workers: Workers | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def workers(self, settings: Settings) -> Workers:
        """The workers.

        Raises:
            NnlintError: if none can run here.
        """
        if self._workers is None:
            self._workers = self._stack.enter_context(_start_workers(settings))
        return self._workers


def _finished(report: FileReport, settings: Settings) -> FileReport:
    return replace(_sifted(report, settings), fail_on=settings.fail_on)


def _sifted(report: FileReport, settings: Settings) -> FileReport:
    """The report of a file without what its comments and its configuration say not to report."""
    found = tidy(report.findings)
    sifted = suppress.sift([*found, *_unused_ignores(report, found, settings)], settings)
    return replace(report, findings=tuple(tidy(sifted.kept)), ignored=sifted.ignored)


def _unused_ignores(report: FileReport, found: list[Finding], settings: Settings) -> list[Finding]:
    if not suppress.ignores_in(report.path) or report.errors:
        return []
    settings, _ = with_rules(settings)
    if suppress.UNUSED not in settings.rules:
        return []
    rules = list_rules(settings.local_rules).rules
    unused = suppress.unused(report.path, found, rules, set(report.ran), report.covered)
    return [suppress.signed(finding, settings) for finding in unused]


def once(reports: list[FileReport]) -> tuple[FileReport, ...]:
    """What several files find at one expression (a block that they all import) is kept in one of them: in the report
    of the file it stands in, if there is one, else in the first."""
    owners: dict[object, int] = {}
    for index, report in enumerate(reports):
        for finding in report.findings:
            if finding.site is not None:
                key = (finding.rule, finding.site)
                if key not in owners or finding.site.file == report.path:
                    owners[key] = index
    return tuple(
        replace(
            report,
            findings=tuple(f for f in report.findings if f.site is None or owners[f.rule, f.site] == index),
        )
        for index, report in enumerate(reports)
    )


def _examined(
    targets: tuple[Target, ...],
    settings_of: Callable[[int], Settings],
    asked: Settings,
    errors: list[str],
    session: Session,
) -> Iterator[tuple[int, FileReport]]:
    """The report of every target, with its number, as they get done; ``errors`` receives what concerns no one file."""
    source_only: dict[int, Script] = {}
    for_workers: dict[int, Target] = {}
    for index, target in enumerate(targets):
        script = _read(target)
        if isinstance(script, FileReport):
            yield index, script
        elif asked.execute and (target.name or _has_networks(script)):
            session.workers(asked)
            for_workers[index] = target
        elif script.uses_torch and script.recipe != Recipe(file=script.recipe.file):
            source_only[index] = script
        else:
            yield index, FileReport(target.path, empty=True)
    chosen: dict[int, Settings] = {}
    for index in (*source_only, *for_workers):
        chosen[index], problems = with_rules(settings_of(index))
        errors += [problem for problem in problems if problem not in errors]
    for index, script in source_only.items():
        yield index, check_source(script, chosen[index])
    if for_workers:
        yield from session.workers(asked).run(for_workers, chosen)


def _start_workers(settings: Settings) -> Workers:
    from nnlint.worker.pool import Workers, unavailable

    if (error := unavailable()) is not None:
        raise error
    return Workers(settings)


def with_rules(settings: Settings) -> tuple[Settings, list[str]]:
    """The settings with the names of the rules to run, and what is wrong with rule packs.

    Raises:
        UsageError: for a name that is no rule and no category.
    """
    listing = list_rules(settings.local_rules)
    names = choose(listing.rules, settings.select, settings.extend_select, settings.ignore)
    return replace(settings, rules=names), [str(error) for error in listing.errors]


def check_source(script: Script, settings: Settings) -> FileReport:
    """Check what the source says of the training, and run nothing."""
    local = settings.local_rules
    on_recipes = [info.name for info in list_rules(local).rules if info.on == "recipe" and info.name in settings.rules]
    problems: list[RulePackError] = []
    timing: dict[str, float] = {}
    rules = load_rules(on_recipes, problems, local)
    findings = check_recipe(script.recipe, rules, timing, settings.options)
    return FileReport(
        script.path,
        findings=tuple(findings),
        errors=tuple(map(str, problems)),
        empty=not _has_networks(script),
        timing=timing,
        ran=tuple(on_recipes),
    )


def _read(target: Target) -> Script | FileReport:
    from nnlint.script.read import read

    try:
        return read(target.path)
    except NnlintError as error:
        return FileReport(target.path, errors=(_without_path(error, target.path),))
    except Exception as error:  # one file that nnlint cannot cope with must not cost the others
        import traceback

        message = f"internal error while reading it: {type(error).__name__}: {error}"
        return FileReport(target.path, errors=(message,), output=traceback.format_exc())


def _has_networks(script: Script) -> bool:
    return bool(script.networks or script.factories or any(build.owner is None for build in script.builds))


def _without_path(error: NnlintError, path: str) -> str:
    """The error for a report that names the path itself."""
    place = (error.where or "").removeprefix(path).lstrip(":")
    where = f"{place}: " if place else ""
    return f"{where}{error.message}" + (f"\n  help: {error.help}" if error.help else "")

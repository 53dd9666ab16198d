"""Fixing a run's files: pass after pass, until nothing is left that can be mended."""

from __future__ import annotations

import io
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from nnlint import engine
from nnlint.check import severity
from nnlint.config.apply import Configs
from nnlint.errors import NnlintError
from nnlint.finding import Finding, Level
from nnlint.fix import files, judge
from nnlint.fix.plan import Planned, compatible, edited, planned
from nnlint.report.model import FileReport, Report, TakenBack
from nnlint.settings import Settings
from nnlint.targets import Target, expand

#: so many passes over one file: each mends what the one before made way for
MOST_PASSES = 20
#: so many different sets of fixes are tried in one file
MOST_TRIALS = 120


@dataclass(frozen=True, slots=True)
class Change:
    """A file before and after."""

    original: files.Original
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """What fixing came to: the report on the edited files, and their texts, which nobody has written yet."""

    report: Report
    changes: tuple[Change, ...]


def fix(
    paths: Iterable[str],
    settings: Settings | None = None,
    progress: engine.Progress | None = None,
    configs: Configs = engine.ISOLATED,
    *,
    unsafe: bool = False,
    least: Level = "info",
    only: Collection[str] | None = None,
    session: engine.Session | None = None,
) -> Result:
    """Check files, and mend what can be mended. Nothing is written: see `write`.

    Args:
        paths, settings, progress, configs: as for `nnlint.engine.run`.
        unsafe: apply fixes too that change the numbers, or the names or shapes of parameters.
        least: mend no finding below this level.
        only: mend findings of these rules alone.
        session: keeps the workers for the next run.

    Raises:
        UsageError: as `nnlint.engine.run`.
    """
    with ExitStack() as stack:
        session = session or stack.enter_context(engine.Session())
        asked = settings or Settings()
        asked = replace(asked, proof=True, numbers=asked.proof and asked.numbers)
        report = engine.run(paths, asked, progress, configs, session)
        work = _Work(expand(paths, configs.excludes), report, asked, configs, session, unsafe, least, only)
        return work.run()


def write(changes: Iterable[Change]) -> list[str]:
    """Write the edited files. Returns what could not be written, one sentence each."""
    problems = []
    for change in changes:
        try:
            files.write(change.original, change.text)
        except files.ChangedError as error:
            problems.append(str(error))
    return problems


def diff(changes: Iterable[Change]) -> str:
    """What would change, as a unified diff."""
    import difflib

    parts: list[str] = []
    for change in changes:
        path = Path(change.original.path)
        shown = (path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path).as_posix().lstrip("/")
        before, after = (_lines(text) for text in (change.original.text, change.text))
        for line in difflib.unified_diff(before, after, f"a/{shown}", f"b/{shown}"):
            parts.append(line if line.endswith(("\n", "\r")) else f"{line}\n\\ No newline at end of file\n")
    return "".join(parts)


def _lines(text: str) -> list[str]:
    """The lines of a text with their ends."""
    return io.StringIO(text, newline="").readlines()


@dataclass
class _Work:
    """The targets of a run, their reports as they stand, and the texts of their files as they stand."""

    targets: tuple[Target, ...]
    report: Report
    asked: Settings
    configs: Configs
    session: engine.Session
    unsafe: bool
    least: Level
    only: Collection[str] | None
    originals: dict[str, files.Original] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    fixed: dict[int, list[Finding]] = field(default_factory=dict)
    taken_back: list[TakenBack] = field(default_factory=list)
    refused: set[tuple[str, ...]] = field(default_factory=set)

    def run(self) -> Result:
        reports = list(self.report.files)
        real = {os.path.realpath(target.path): target.path for target in self.targets}
        seen: dict[int, dict[str, str]] = {}
        for index, target in enumerate(self.targets):
            if self._applicable(reports[index], real):
                reports[index] = self._mend(index, target, real)
                seen[index] = dict(self.texts)
        if self._changed():
            self._look_again(reports, seen)
        changes = tuple(Change(self.originals[path], text) for path, text in self._changed().items())
        fixed = tuple(finding for index in sorted(self.fixed) for finding in self.fixed[index])
        report = replace(self.report, files=engine.once(reports), fixed=fixed, taken_back=tuple(self.taken_back))
        return Result(report, changes)

    def _changed(self) -> dict[str, str]:
        return {path: text for path, text in self.texts.items() if text != self.originals[path].text}

    def _applicable(self, report: FileReport, real: Mapping[str, str]) -> list[Planned]:
        fixes = planned((finding for finding in report.findings if self._wanted(finding)), real)
        return [fix for fix in fixes if (fix.safe or self.unsafe) and fix.key not in self.refused]

    def _wanted(self, finding: Finding) -> bool:
        listed = self.only is None or finding.rule in self.only
        return listed and severity(finding.level) <= severity(self.least)

    # ---------------------------------------------------------------------------------------------- one target

    def _mend(self, index: int, target: Target, real: Mapping[str, str]) -> FileReport:
        """One target mended, as far as it can be; its report then."""
        before = self.report.files[index] if not self._changed() else self._examine(target, self.texts, numbers=False)
        trials = _Trials(self, target)
        for _ in range(MOST_PASSES):
            fixes = self._applicable(before, real)
            # the safe ones first: their numbers are compared, and an unsafe one beside them changes numbers
            fixes = [fix for fix in fixes if fix.safe] or fixes
            fixes = [fix for fix in compatible(fixes) if self._open(fix, real)]
            if not fixes:
                break
            if all(fix.safe for fix in fixes) and not _has_numbers(before):
                before = self._examine(target, self.texts)
            accepted, after = trials.most(before, fixes)
            if not accepted:
                continue
            self.fixed.setdefault(index, []).extend(_mended(before, after, accepted))
            self.texts = trials.texts_with(accepted)
            before = after
        return before

    def _open(self, fix: Planned, real: Mapping[str, str]) -> bool:
        """Whether the files of a fix can be read for it; they then are."""
        try:
            for path in fix.edits:
                if path not in self.originals:
                    self.originals[path] = files.read(real[path])
                    self.texts[path] = self.originals[path].text
        except (NnlintError, OSError) as error:
            self.refuse(fix, str(error))
            return False
        return True

    def refuse(self, fix: Planned, reason: str) -> None:
        """Take a fix back, and never try it again."""
        self.refused.add(fix.key)
        self.taken_back.append(TakenBack(fix.finding, reason))

    def _examine(self, target: Target, texts: Mapping[str, str], *, numbers: bool = True) -> FileReport:
        asked = replace(self.asked, texts=dict(texts), numbers=numbers)
        return engine.run([str(target)], asked, None, self.configs, self.session).files[0]

    # ----------------------------------------------------------------------------------------------- the others

    def _look_again(self, reports: list[FileReport], seen: Mapping[int, Mapping[str, str]]) -> None:
        """The reports of the targets that were last examined before other files were edited.

        If a network does not run any more because of what was edited elsewhere, all of that is taken back.
        """
        done = dict(seen)
        own = list(reports)  # what each came to by its own edits: only what others change counts here
        index = 0
        while index < len(self.targets):
            if not self.report.files[index].empty and done.get(index) != self.texts:
                reports[index] = self._examine(self.targets[index], self.texts)
                why = judge.objection(own[index], reports[index], (), unsafe=self.unsafe, elsewhere=True)
                if why is not None and self._undo(index, f"in {self.targets[index].path} {why}"):
                    index = 0  # the texts are others again
                    continue
                done[index] = dict(self.texts)
            index += 1

    def _undo(self, index: int, why: str) -> bool:
        """Take back what was edited in other files than this target's; whether there was anything."""
        own = os.path.realpath(self.targets[index].path)
        others = [path for path in self._changed() if path != own]
        for path in others:
            self.texts[path] = self.originals[path].text
        for other, findings in self.fixed.items():
            if other != index:
                self.taken_back += [TakenBack(finding, why) for finding in findings]
        self.fixed = {index: self.fixed[index]} if index in self.fixed else {}
        return bool(others)


def _has_numbers(report: FileReport) -> bool:
    """Whether the networks of a report were run with numbers, or cannot be."""
    return all(one.proof is None or one.proof.evaluation or one.proof.unproven for one in report.networks)


def _mended(before: FileReport, after: FileReport, fixes: Sequence[Planned]) -> list[Finding]:
    """The findings that fixes were for, and those that went with them."""
    own = [fix.finding for fix in fixes]
    count = {rule: sum(finding.rule == rule for finding in own) for rule in {finding.rule for finding in own}}
    more = []
    for finding in judge.vanished(before, after):
        if count.get(finding.rule, 0):
            count[finding.rule] -= 1
        elif finding not in own:
            more.append(finding)
    return own + more


@dataclass
class _Trials:
    """Sets of fixes tried on one target."""

    work: _Work
    target: Target
    left: int = field(default_factory=lambda: MOST_TRIALS)
    _texts: dict[str, str] = field(default_factory=dict)

    def texts_with(self, fixes: Sequence[Planned]) -> dict[str, str]:
        """The texts with fixes that were tried before."""
        texts = edited(self.work.texts, fixes)
        assert texts is not None
        return texts

    def most(self, before: FileReport, fixes: Sequence[Planned]) -> tuple[list[Planned], FileReport]:
        """As many of the fixes as nothing speaks against, and the report with them; the others are taken back."""
        accepted: list[Planned] = []
        report = before
        groups = [list(fixes)]
        while groups:
            group = groups.pop(0)
            after, why = self._try(report, accepted, group)
            if why is None and after is not None:
                accepted += group
                report = after
            elif len(group) == 1:
                self.work.refuse(group[0], why or "")
            else:
                groups[:0] = _parts(group)
        return accepted, report

    def _try(
        self, before: FileReport, accepted: Sequence[Planned], fixes: Sequence[Planned]
    ) -> tuple[FileReport | None, str | None]:
        """The report with more fixes than those accepted so far, whose report is ``before``, and what is wrong."""
        if self.left <= 0:
            return None, "too many fixes of this file have been tried already"
        self.left -= 1
        texts = edited(self.work.texts, [*accepted, *fixes])
        if texts is None:
            return None, "its edits do not fit the file"
        if (why := _unwritable(self.work.originals, texts)) is not None:
            return None, why
        # what an unsafe fix computes may differ: there is nothing to compare
        after = self.work._examine(self.target, texts, numbers=all(fix.safe for fix in fixes))
        were = self.texts_with(accepted)
        pairs = {path: (were[path], text) for path, text in texts.items()}
        return after, judge.objection(before, after, fixes, unsafe=self.work.unsafe, texts=pairs)


def _parts(fixes: Sequence[Planned]) -> list[list[Planned]]:
    """Fixes that fail together, apart: by the level of what they mend, which says what may come; else in halves."""
    levels = list(dict.fromkeys(severity(fix.finding.level) for fix in fixes))
    if len(levels) > 1:
        return [[fix for fix in fixes if severity(fix.finding.level) == level] for level in sorted(levels)]
    half = len(fixes) // 2
    return [list(fixes[:half]), list(fixes[half:])]


def _unwritable(originals: Mapping[str, files.Original], texts: Mapping[str, str]) -> str | None:
    """Why texts cannot be written in the encodings of their files."""
    for path, text in texts.items():
        try:
            originals[path].encoded(text)
        except UnicodeEncodeError as error:
            return f"{error.object[error.start : error.end]!r} does not exist in the file's encoding, {error.encoding}"
    return None

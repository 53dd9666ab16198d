"""`Workers`: files examined in guarded processes, several at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

from nnlint.errors import NnlintError
from nnlint.report.model import FileReport
from nnlint.settings import Settings
from nnlint.targets import Target
from nnlint.worker.worker import Outcome, Worker

#: what runs in the worker: ``(path, name, settings) -> FileReport``
EXAMINE = "nnlint.examine.file:examine_file"

_Result = tuple[int, FileReport | BaseException]


class Workers:
    """As many workers as `Settings.jobs` says, started when entered: torch loads in them while the caller goes on."""

    def __init__(self, settings: Settings) -> None:
        self._workers = [Worker(seconds=settings.time_limit) for _ in range(settings.jobs)]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        # one now; the others when it is known that there is work for them
        self._stack.enter_context(self._workers[0])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def run(self, targets: Mapping[int, Target], settings: Mapping[int, Settings]) -> Iterator[tuple[int, FileReport]]:
        """The report of every target, with its number, as they get done; each with settings of its own.

        Raises:
            NnlintError: if no worker can be started (torch cannot be imported, say).
        """
        work: queue.SimpleQueue[tuple[int, Target]] = queue.SimpleQueue()
        results: queue.SimpleQueue[_Result] = queue.SimpleQueue()
        for numbered in targets.items():
            work.put(numbered)
        for worker in self._workers[: len(targets)]:
            if worker is not self._workers[0]:
                self._stack.enter_context(worker)
            threading.Thread(target=_work, args=(worker, work, results, settings), daemon=True).start()
        for _ in targets:
            index, result = results.get()
            if isinstance(result, BaseException):
                raise result
            yield index, result


def _work(
    worker: Worker,
    work: queue.SimpleQueue[tuple[int, Target]],
    results: queue.SimpleQueue[_Result],
    settings: Mapping[int, Settings],
) -> None:
    while True:
        try:
            index, target = work.get_nowait()
        except queue.Empty:
            return
        try:
            results.put((index, _report(target, worker.run(EXAMINE, target.path, target.name, settings[index]))))
        except Exception as error:  # it is raised where the results are read
            results.put((index, error))
            return


def _report(target: Target, outcome: Outcome) -> FileReport:
    """What the worker returned; if it did not, what it had found until then, and what became of it."""
    trace = outcome.detail if outcome.kind == "error" else ""
    printed = "\n".join(part for part in (outcome.output, outcome.errors, trace) if part)
    if isinstance(outcome.value, FileReport):
        return replace(outcome.value, output=outcome.value.output or printed)
    report = next(
        (part for part in reversed(outcome.partials) if isinstance(part, FileReport)), FileReport(target.path)
    )
    advice = "\n  help: give it more with --time-limit" if outcome.kind == "timeout" else ""
    error = f"not examined to the end: {outcome.reason}{advice}"
    return replace(report, errors=(*report.errors, error), output=report.output or printed)


def unavailable() -> NnlintError | None:
    """Why no worker can run here, None if one can: torch has to be installed beside nnlint."""
    import importlib.util
    import os
    import sys

    if importlib.util.find_spec("torch") is not None:
        return None
    advice = "install it there (`pip install torch`), or run nnlint in the environment of the project: python -m nnlint"
    if os.environ.get("PRE_COMMIT") == "1":
        advice = (
            "pre-commit's own environment has no torch: use the hook `nnlint` (language: system), or give the hook "
            "`nnlint-isolated` additional_dependencies: [torch] and what the project imports"
        )
    return NnlintError("torch is not installed in this environment", where=sys.executable, help=advice)

"""`Report`: the result of a run. Plain data: it crosses process boundaries and is what every renderer reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from nnlint.finding import LEVELS, Finding, Level


@dataclass(frozen=True, slots=True)
class OpRow:
    """One op of `nnlint graph`, plain data; a parameter is counted where it is first read."""

    path: str
    name: str
    shape: tuple[int, ...]
    params: int
    macs: int | None
    hyper: Mapping[str, Any] = field(default_factory=dict)
    site: str | None = None
    module_type: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """What two versions of a network are compared by: filled in where fixes are verified.

    Attributes:
        outputs: the shapes of the tensors it returns.
        state: name, shape and dtype of everything in its ``state_dict``.
        evaluation, training: a hash of the numbers it computes on seeded weights and inputs, in training of the
            gradients too; None where it was not run with numbers.
        unproven: why not.
        guessed: whether nnlint chose the sizes of the inputs: then they may become others.
    """

    outputs: tuple[tuple[int, ...], ...]
    state: tuple[tuple[str, tuple[int, ...], str], ...]
    evaluation: str | None = None
    training: str | None = None
    unproven: str = ""
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A fix that was tried and taken back, and why."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class NetworkReport:
    """What became of one network.

    Attributes:
        status: ``traced`` (checked), ``built`` (constructed, but its forward could not be recorded) or ``failed``.
        inputs: the example inputs as text (``2x3x32x32``, ``ids: long 2x16``).
        input_source: where they come from (``--input``, ``MNIST at train.py:20``, ``guessed from the first layer``).
        how: ``meta``, ``real`` or ``partial`` (see `Graph.how`).
        found: why this network with these arguments (see `Candidate.found`).
        reason: for one that is not traced: why, and what would help.
        guesses: what had to be assumed to build or run it.
        rows: filled only where asked for (`nnlint graph`).
        modules: with the rows: the class of every module by its path, containers included.
    """

    target: str
    file: str
    name: str
    class_name: str
    status: Literal["traced", "built", "failed"]
    found: str = ""
    inputs: tuple[str, ...] = ()
    input_source: str = ""
    how: str = ""
    ops: int = 0
    params: int = 0
    macs: int = 0
    uncounted: int = 0
    activation_bytes: int = 0
    reason: str | None = None
    guesses: tuple[str, ...] = ()
    rows: tuple[OpRow, ...] = ()
    modules: Mapping[str, str] = field(default_factory=dict)
    #: line of the file it starts at, for messages
    line: int | None = None
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file. ``errors`` make the exit code 2; ``notes`` go to stderr; ``output`` is what the user's
    code printed while it was loaded.

    Attributes:
        ignored: findings that a comment or the configuration says not to report, each with the reason given.
        ran: the names of the rules that ran.
        covered: the lines of this file that stand in a graph: what rules on graphs could see.
        fail_on: the level from which findings in this file make the exit code 1, where its configuration says so.
    """

    path: str
    networks: tuple[NetworkReport, ...] = ()
    findings: tuple[Finding, ...] = ()
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    output: str = ""
    #: the file has no network, so there was nothing to check (that is fine)
    empty: bool = False
    #: seconds by stage: read, import, load, trace, and one a rule
    timing: Mapping[str, float] = field(default_factory=dict)
    ignored: tuple[tuple[Finding, str], ...] = ()
    ran: tuple[str, ...] = ()
    covered: frozenset[int] = frozenset()
    fail_on: Level | Literal["never"] | None = None


@dataclass(frozen=True, eq=False)
class Report:
    """The result of a run over files (or over one live module): iterable over its findings."""

    files: tuple[FileReport, ...]
    errors: tuple[str, ...] = ()
    #: what concerns no one file, but is no failure
    notes: tuple[str, ...] = ()
    #: files were given, and every one of them is excluded
    excluded: bool = False
    #: findings that were mended (they are none of `findings` any more), and fixes that did not stand the test
    fixed: tuple[Finding, ...] = ()
    taken_back: tuple[TakenBack, ...] = ()
    #: so many findings are below the level that is reported
    hidden: int = 0

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, file by file, in the order of their sites."""
        return tuple(finding for file in self.files for finding in file.findings)

    @property
    def networks(self) -> tuple[NetworkReport, ...]:
        """All networks, checked or not."""
        return tuple(network for file in self.files for network in file.networks)

    @property
    def failed(self) -> tuple[str, ...]:
        """Everything that went wrong with nnlint's own work (not findings): any of them makes the exit code 2."""
        return self.errors + tuple(f"{file.path}: {error}" for file in self.files for error in file.errors)

    @property
    def ok(self) -> bool:
        """No finding, no error, and every network was checked."""
        return not self.findings and not self.failed and all(n.status == "traced" for n in self.networks)

    def __eq__(self, other: object) -> bool:
        """Equal to a list of findings, so that ``assert report == []`` says what it means; and to an equal report."""
        if isinstance(other, list):
            return list(self.findings) == other
        return isinstance(other, Report) and (self.files, self.errors) == (other.files, other.errors)

    __hash__ = None  # type: ignore[assignment]

    def assert_clean(self, level: Level = "warning") -> None:
        """For tests: nothing was found at this level or a more severe one, and everything was checked.

        Raises:
            AssertionError: with the report as its text.
        """
        __tracebackhide__ = True
        if (text := self.unclean(level)) is not None:
            raise AssertionError(text)

    def unclean(self, level: Level = "warning") -> str | None:
        """Why it is not clean (see `assert_clean`), with the report as text; None if it is."""
        worst = LEVELS[: LEVELS.index(level) + 1]
        found = [finding for finding in self.findings if (finding.level or "warning") in worst]
        if not found and not self.failed and all(network.status == "traced" for network in self.networks):
            return None
        failed = "".join(f"error: {error}\n" for error in self.failed)
        return f"the network is not clean\n\n{failed}{self}"

    def to_json(self) -> str:
        """The report as the JSON document that ``--output-format json`` prints."""
        from nnlint.report import json

        return json.render(self)

    def __str__(self) -> str:
        """The report as the command line prints it, without colours."""
        from nnlint.report import full, summary

        return "\n".join(part for part in (full.render(self), summary.render(self)) if part)

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        import html

        return f"<pre>{html.escape(str(self))}</pre>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """How IPython shows it in a terminal."""
        printer.text("Report(...)" if cycle else str(self))

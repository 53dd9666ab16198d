"""The judgements on what the rules say of the zoo (verdicts.toml), and FINDINGS.md made of both."""

from __future__ import annotations

import fnmatch
import statistics
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, get_args

from results import NOT_OURS, _bullets, _markdown

Row = dict[str, Any]
Word = Literal["true", "debatable", "false"]
LEVELS = ("error", "warning", "info")

_HEAD = """# What nnlint's rules say of the zoo

Written by `python tests/zoo/run.py --findings --write` from a run and from the judgements in `verdicts.toml`. Every
network of `RESULTS.md` is recorded once, without values where it runs so, and given to all graph rules that run by
default, with their default options; a network whose output is one score a class is judged by the usual loss of its
kind. *True*: it is there, its cost is known, and it is worth saying to its author. *Debatable*: it is there, as
published, and its authors may want it so. *False*: it is not there, or costs nothing. Warnings are judged one by one
against the library's source, of the others a sample."""


@dataclass(frozen=True)
class Found:
    """One finding of one network."""

    network: str
    rule: str
    level: str
    paths: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class Verdict:
    """A judgement on the findings of a rule in some networks, at some paths: shell patterns."""

    rule: str
    networks: tuple[str, ...]
    verdict: Word
    why: str
    paths: str = "*"

    def __post_init__(self) -> None:
        if self.verdict not in get_args(Word):
            raise ValueError(f"{self.rule}: {self.verdict!r} is no verdict")

    def covers(self, found: Found) -> bool:
        """Whether it is about this finding."""
        return (
            found.rule == self.rule
            and any(fnmatch.fnmatchcase(found.network, pattern) for pattern in self.networks)
            and any(fnmatch.fnmatchcase(path, self.paths) for path in found.paths or ("",))
        )


@dataclass(frozen=True)
class Verdicts:
    """All judgements; the first that covers a finding counts."""

    entries: tuple[Verdict, ...]

    @classmethod
    def read(cls, file: Path) -> Self:
        """The judgements of a file: tables named by their rule, each a list."""
        held = tomllib.loads(file.read_text()) if file.exists() else {}
        return cls(
            tuple(
                Verdict(rule, tuple(entry.pop("networks")), **entry)
                for rule, entries in held.items()
                for entry in entries
            )
        )

    def of(self, found: Found) -> Verdict | None:
        """The judgement on a finding, None if nobody has judged it."""
        return next((entry for entry in self.entries if entry.covers(found)), None)


def findings(rows: list[Row]) -> Iterator[Found]:
    """The findings of all networks."""
    for row in rows:
        for rule, level, paths, message in row["findings"]:
            yield Found(f"{row['collection']}/{row['name']}", rule, level, tuple(paths), message)


def is_wrong(row: Row) -> bool:
    """Whether a rule raised on a network, or calls something an error."""
    return bool(row["raised"]) or any(level == "error" for _, level, _, _ in row["findings"])


def summary(rows: list[Row], judged: Verdicts) -> str:
    """Totals, warnings nobody has judged, and judgements that nothing needs."""
    found = list(findings(rows))
    open_ = [one for one in found if one.level != "info" and judged.of(one) is None]
    needed = {id(judged.of(one)) for one in found}
    idle = [f"{entry.rule}: {', '.join(entry.networks)}" for entry in judged.entries if id(entry) not in needed]
    parts = [_cost(rows), _totals(found, judged, len(_done(rows)))]
    if open_:
        parts.append("Not judged:\n" + "\n".join(f"{one.level} {_line(one)}" for one in open_))
    if idle:
        parts.append("Judgements on nothing found in these networks:\n" + "\n".join(idle))
    return "\n\n".join(parts)


def write(file: Path, rows: list[Row], judged: Verdicts) -> None:
    """Writes what was found, with the judgements."""
    found = list(findings(rows))
    able = [row for row in rows if row["stage"] not in NOT_OURS]
    loud = [one for one in found if one.level != "info"]
    open_ = [one for one in loud if judged.of(one) is None]
    raised = [(row, message) for row in rows for message in row["raised"]]
    parts = [
        _HEAD,
        _cost(rows),
        _totals(found, judged, len(_done(rows))),
        "## Rules that raised",
        _bullets(raised),
        "## Networks that were not recorded",
        _bullets((row, f"{row['stage']}: {row['cause']}") for row in able if row["stage"] != "ok"),
        *_judgements(loud, judged),
        "## Not judged",
        "\n".join(f"* {_line(one)}" for one in open_) or "None.",
        *_judgements([one for one in found if one.level == "info"], judged, of="A sample of the notes: "),
    ]
    file.write_text("\n\n".join(parts) + "\n")


def _done(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["stage"] == "ok"]


def _line(found: Found) -> str:
    return f"{found.network}: {found.rule} at {', '.join(found.paths[:2]) or 'no module'}: {found.message}"


def _cost(rows: list[Row]) -> str:
    done = _done(rows)
    shares = sorted(row["rule_seconds"] / row["trace_seconds"] for row in done if row["trace_seconds"])
    if not shares:
        return "No network was recorded."
    slow: Counter[str] = Counter()
    for row in done:
        slow.update(row["slowest"])
    total = sum(row["rule_seconds"] for row in done)
    wall = sum(row["rule_wall_seconds"] for row in done) or 1.0
    dearest = ", ".join(f"{rule} {seconds / wall:.0%}" for rule, seconds in slow.most_common(4))
    judged = Counter(row["loss"] for row in done if row["loss"])
    losses = ", ".join(f"{loss} {count}" for loss, count in judged.most_common())
    return (
        f"{len(done)} networks, {sum(row['ops'] for row in done):,} ops. Rules ÷ recording (processor time, warm): "
        f"median {statistics.median(shares):.2f}, nine of ten below {shares[int(0.9 * (len(shares) - 1))]:.2f}; all "
        f"networks together {total:.1f} s ÷ {sum(row['trace_seconds'] for row in done):.1f} s. "
        f"Dearest rules: {dearest}. Losses: {losses or 'none'}."
    )


def _totals(found: list[Found], judged: Verdicts, networks: int) -> str:
    names = ("level", "rule", "findings", "networks", "true", "debatable", "false", "not judged")
    groups: dict[tuple[int, str], list[Found]] = {}
    for one in found:
        groups.setdefault((LEVELS.index(one.level), one.rule), []).append(one)
    lines = []
    for (level, rule), ones in sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1])):
        words = Counter(entry.verdict if (entry := judged.of(one)) else "" for one in ones)
        several = len({one.network for one in ones})
        share = f"{several} ({several / networks:.1%})"
        counts = (words[word] for word in (*get_args(Word), ""))
        lines.append((LEVELS[level], rule, str(len(ones)), share, *map(str, counts)))
    return _markdown(names, lines)


def _judgements(found: list[Found], judged: Verdicts, of: str = "") -> Iterator[str]:
    """A table a rule: networks, places, judgement."""
    groups: dict[str, dict[int, tuple[Verdict, list[Found]]]] = {}
    for one in found:
        if entry := judged.of(one):
            groups.setdefault(one.rule, {}).setdefault(id(entry), (entry, []))[1].append(one)
    for rule, entries in sorted(groups.items()):
        yield f"## {of}{rule}"
        yield _markdown(("networks", "where", "verdict", "why"), [_cells(*pair) for pair in entries.values()])


def _cells(entry: Verdict, found: list[Found]) -> tuple[str, ...]:
    networks = list(dict.fromkeys(one.network for one in found))
    places = list(dict.fromkeys(f"`{path}`" for one in found for path in one.paths[:1]))
    more = f" and {len(places) - 4} more" if len(places) > 4 else ""
    return ", ".join(networks), ", ".join(places[:4]) + more, entry.verdict, entry.why

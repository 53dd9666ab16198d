"""Findings that the user has said not to report: comments in the source, and patterns of the configuration.

``# nnlint: ignore[rule-name] -- reason`` stands on a line of the expression, alone on the line above it, or on the line
of a ``class`` or ``def``, whose whole body it then is for. ``# nnlint: ignore-file[rule-name]`` is for the file.
"""

from __future__ import annotations

import ast
import fnmatch
import io
import os
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from nnlint.check import INTERNAL_ERROR
from nnlint.finding import Finding
from nnlint.registry import RuleInfo
from nnlint.script.source import text_instead
from nnlint.selection import covers, is_known, suggestion
from nnlint.settings import Ignores, Settings
from nnlint.site import Site

#: the rule that reports an ignore that ignores nothing
UNUSED = "unused-ignore"
_LIKE = re.compile(r"#\s*nnlint:\s*(?P<word>[\w-]+)\s*(?P<list>\[)?")
#: what other linters' comments say
_ELSEWHERE = frozenset({"noqa", "disable", "disable-file", "skip", "skip-file", "off"})
_COMMENT = re.compile(r"#\s*nnlint:\s*(?P<form>ignore-file|ignore)\b\s*(?:\[(?P<rules>[^\]]*)\])?(?P<rest>.*)$")


@dataclass(frozen=True, slots=True)
class Ignore:
    """One comment: the rules or categories it names, the lines it is for (both included), and why.

    Attributes:
        misspelt: the word in place of ``ignore``; the comment then ignores nothing.
    """

    words: tuple[str, ...]
    first: int
    last: int
    site: Site
    reason: str = ""
    misspelt: str = ""

    def matches(self, finding: Finding, word: str) -> bool:
        """Whether one of its words means a finding: any line of its expression counts."""
        site = finding.site
        return (
            site is not None
            and site.line <= self.last
            and self.first <= site.end_line
            and word != "all"
            and covers(word, finding.rule, finding.category)
        )


@dataclass(frozen=True, slots=True)
class Sifted:
    """Findings, those left out, and where the file's own ignores did nothing."""

    kept: tuple[Finding, ...]
    ignored: tuple[tuple[Finding, str], ...]


def sift(findings: Iterable[Finding], settings: Settings) -> Sifted:
    """Part the findings into those to report and those that a comment, or the configuration, says not to.

    The reason of an ignored one comes with it ("" if none is given).
    """
    kept: list[Finding] = []
    ignored: list[tuple[Finding, str]] = []
    for finding in findings:
        reason = None if finding.rule == INTERNAL_ERROR else _reason(finding, settings)
        if reason is None:
            kept.append(finding)
        else:
            ignored.append((finding, reason))
    return Sifted(tuple(kept), tuple(ignored))


def _reason(finding: Finding, settings: Settings) -> str | None:
    for ignore in ignores_in(finding.site.file) if finding.site else ():
        if any(ignore.matches(finding, word) for word in ignore.words):
            return ignore.reason
    if finding.site and _listed(finding, settings.file_ignores, [_relative(finding.site.file, settings.folder)]):
        return "per-file-ignores"
    if finding.paths and _listed(finding, settings.module_ignores, finding.paths):
        return "per-module-ignores"
    return None


def _listed(finding: Finding, ignores: Ignores, names: Iterable[str]) -> bool:
    """Whether the configuration lists it under patterns that match all of its names (a loop makes many modules)."""
    patterns = [
        pattern for pattern, words in ignores if any(covers(word, finding.rule, finding.category) for word in words)
    ]
    return bool(patterns) and all(any(_matches(name, pattern) for pattern in patterns) for name in names)


def _matches(name: str, pattern: str) -> bool:
    """``encoder.*`` means what is inside; a file pattern without a slash means the file in any folder."""
    bare = name.rpartition("/")[2] if "/" not in pattern else name
    return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(bare, pattern)


def _relative(path: str, folder: str) -> str:
    return os.path.relpath(Path(path).resolve(), Path(folder).resolve()).replace(os.sep, "/")


def unused(
    path: str, findings: Iterable[Finding], rules: tuple[RuleInfo, ...], ran: set[str], covered: frozenset[int]
) -> list[Finding]:
    """A finding for every ignore of a file that ignores nothing although its rule looked there, or names no rule.

    Args:
        findings: all that was found before any was left out.
        rules: the rules there are; ``ran``: the names of those that ran.
        covered: the lines of the file that stand in a graph.
    """
    return [found for ignore in ignores_in(path) for found in _unused(ignore, tuple(findings), rules, ran, covered)]


def _unused(
    ignore: Ignore, findings: tuple[Finding, ...], rules: tuple[RuleInfo, ...], ran: set[str], covered: frozenset[int]
) -> Iterator[Finding]:
    if ignore.misspelt:
        yield Finding(f"{ignore.misspelt!r} ignores nothing: write `ignore[rule-name]`", ignore.site)
    elif not ignore.words:
        yield Finding("this ignore names no rule, and ignores nothing: write `ignore[rule-name]`", ignore.site)
    for word in ignore.words:
        if word == "all" or not is_known(rules, word):
            yield Finding(f"there is no rule {word!r} to ignore; {suggestion(rules, word)}", ignore.site)
        elif not any(ignore.matches(finding, word) for finding in findings) and _looked(
            ignore, [rule for rule in rules if covers(word, rule.name, rule.category)], ran, covered
        ):
            yield Finding(f"there is no finding of {word!r} here to ignore; remove it", ignore.site)


def _looked(ignore: Ignore, rules: list[RuleInfo], ran: set[str], covered: frozenset[int]) -> bool:
    """Whether every rule meant ran, and those on graphs saw something of the lines."""
    seen = any(ignore.first <= line <= ignore.last for line in covered)
    return bool(rules) and all(rule.name in ran and (rule.on != "graph" or seen) for rule in rules)


def ignores_in(path: str) -> tuple[Ignore, ...]:
    """The ignore comments of a file, in order; none where it cannot be read."""
    if (text := text_instead(path)) is not None:
        return read_ignores(text, path)
    try:
        state = Path(path).stat()
    except OSError:
        return ()
    return _ignores_in(path, state.st_mtime_ns, state.st_size)


@cache
def _ignores_in(path: str, changed: int, size: int) -> tuple[Ignore, ...]:  # noqa: ARG001
    """As `ignores_in`; a file that was edited since is read again (a notebook lives long)."""
    try:
        with tokenize.open(path) as stream:
            source = stream.read()
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ()
    return read_ignores(source, path)


def read_ignores(source: str, path: str) -> tuple[Ignore, ...]:
    """The ignore comments of a source text; none if it is no Python."""
    if "nnlint:" not in source:
        return ()
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
        blocks = _blocks(ast.parse(source))
    except (SyntaxError, ValueError, tokenize.TokenError):
        return ()
    return tuple(_of_comments(tokens, blocks, path))


def _of_comments(tokens: list[tokenize.TokenInfo], blocks: dict[int, int], path: str) -> Iterator[Ignore]:
    code = sorted({token.start[0] for token in tokens if token.type not in _NO_CODE})
    for token in tokens:
        match = _COMMENT.match(token.string) if token.type == tokenize.COMMENT else None
        line, column = token.start
        site = Site(path, line, column + 1, line, column + 1 + len(token.string))
        if match is None:
            if token.type == tokenize.COMMENT and (word := _misspelt(token.string)):
                yield Ignore((), line, line, site, misspelt=word)
            continue
        words = tuple(word.strip() for word in (match["rules"] or "").split(",") if word.strip())
        reason = match["rest"].strip().removeprefix("--").strip()
        if match["form"] == "ignore-file":
            first, last = 1, max(code, default=line)
        else:
            alone = not token.line[:column].strip()
            first = next((after for after in code if after > line), line) if alone else line
            last = blocks.get(first, first)
        yield Ignore(words, first, last, site, reason)


def _misspelt(comment: str) -> str:
    """The word that stands where ``ignore`` should, in a comment that is meant to be one; empty for any other."""
    match = _LIKE.match(comment)
    if match is None:
        return ""
    import difflib

    word, rest = match["word"], comment[match.end() :].strip()
    alone = not rest or rest.startswith("--")  # else it is a sentence about nnlint
    like = word.lower() in _ELSEWHERE or difflib.get_close_matches(word.lower(), ("ignore", "ignore-file"), cutoff=0.75)
    return word if match["list"] or (alone and like) else ""


_NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
    tokenize.ENCODING,
}  # fmt: skip


def _blocks(tree: ast.Module) -> dict[int, int]:
    """The line of each class and function (and of its decorators) → its last line."""
    found: dict[int, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            header = (*(decorator.lineno for decorator in node.decorator_list), node.lineno)
            found |= dict.fromkeys(header, node.end_lineno or node.lineno)
    return found


def signed(finding: Finding, settings: Settings) -> Finding:
    """A finding of `UNUSED` with its level."""
    level = settings.options.get(UNUSED, {}).get("level")
    return replace(finding.by(UNUSED, "warning", "network"), **({"level": level} if level else {}))

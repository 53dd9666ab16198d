"""Writes the generated parts of the repository; with ``--check`` only compares them and exits with 1 if one is stale.

Generated are, in README.md, everything between ``<!-- NAME -->`` and ``<!-- /NAME -->`` (the sample output, the table
of the rules, and what the tips were measured to be worth), and the JSON schemas of the JSON report and of the
configuration.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from pathlib import Path

import tips

from nnlint.__main__ import main as nnlint
from nnlint.config.schema import text as config_schema
from nnlint.registry import RuleInfo, list_rules
from nnlint.report.schema import text as schema

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
SCHEMA = ROOT / "nnlint" / "report" / "report.schema.json"
CONFIG_SCHEMA = ROOT / "nnlint" / "config" / "config.schema.json"
#: what the sample in the README shows
SAMPLE = ["examples/departing_net.py", "--select", "dropout,loss,small-batch", "--color", "never"]
LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def generated() -> dict[Path, str]:
    """The files as they should be."""
    readme = README.read_text(encoding="utf-8")
    for name, text in (("sample", sample()), ("rules", table()), ("tips", tips.table())):
        readme, count = re.subn(
            rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", lambda m, t=text: m[1] + t + m[2], readme, flags=re.DOTALL
        )
        if count != 1:
            raise SystemExit(f"README.md has {count} places for {name!r}, expected one")
    return {README: readme, SCHEMA: schema(), CONFIG_SCHEMA: config_schema()}


def sample() -> str:
    """The output of nnlint on an example, as a console session."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.chdir(ROOT):
        nnlint(SAMPLE)
    return f"```console\n$ nnlint {' '.join(SAMPLE[:-2])}\n{output.getvalue()}```\n"


def table() -> str:
    """The rules as a Markdown table, by category."""
    rows = ["| rule | level | finds | fix |", "|---|---|---|---|"]
    for info in sorted(list_rules().rules, key=lambda info: (info.category, info.name)):
        rows.append(f"| {link(info)} | {LEVELS[info.level]} | {finds(info)} | {info.fix or ''} |")
    return "\n".join(rows) + "\n"


def link(info: RuleInfo) -> str:
    """The rule's name, leading to its file."""
    return f"[`{info.name}`](rules/{Path(info.file).name})"


def finds(info: RuleInfo) -> str:
    """What it finds: the first sentence of its documentation."""
    summary = info.summary.replace("|", "\\|")
    return summary if info.default else f"{summary} (opt-in)"


def main(arguments: list[str]) -> int:
    """Write or compare; returns the exit code."""
    stale = [path for path, text in generated().items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale: run `python .ci/generate.py`")
        return int(bool(stale))
    for path in stale:
        path.write_text(generated()[path], encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

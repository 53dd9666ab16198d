"""A rule pack of its own for the tests of fixes: what nnlint's rules say of these networks must not matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nnlint import engine
from nnlint.fix import run
from nnlint.settings import Settings

RULE = '''"""{summary}

What to do: nothing. Quiet when: never.
"""
from nnlint import edits
from nnlint.finding import Finding
from nnlint.rule import fix, graph_rule, recipe_rule


@graph_rule(category="activation", level="{level}", since="0.1")
def check(graph):
{check}


@fix(safe={safe})
def mend(finding):
    op = finding.subjects[0]
{mend}
'''

#: name → (level, safe, the ops it finds, what mends them)
RULES = {
    "relu-not-inplace-here": (
        "info",
        True,
        'if op.name == "relu" and not op.hyper.inplace and op.module is not None',
        'return edits.set_argument(op, "inplace", "True", position=0)',
    ),
    "identity-here": (
        "warning",
        True,
        'if op.module is not None and op.spelling == "nn.Identity"',
        "return edits.remove_op(op)",
    ),
    "tanh-here": ("warning", False, 'if op.name == "tanh"', 'return edits.replace_callee(op, "ReLU")'),
    "wrongly-safe": ("warning", True, 'if op.name == "sigmoid"', 'return edits.replace_callee(op, "Tanh")'),
    "wrong-shape": (
        "warning",
        False,
        'if op.name == "linear" and op.hyper.out_channels == 7',
        'return edits.set_argument(op, "out_features", "8", position=1)',
    ),
    "wrong-name": ("warning", False, 'if op.name == "softplus"', 'return edits.replace(finding.site, "nn.Nothing()")'),
    "no-use": (
        "warning",
        False,
        'if op.name == "selu"',
        'return edits.set_argument(op, "inplace", "True", position=0)',
    ),
    "narrow-here": (
        "error",
        False,
        'if op.name == "linear" and op.hyper.out_channels == 3',
        'return edits.set_argument(op, "out_features", "4", position=1)',
    ),
}


@pytest.fixture(scope="session")
def pack(tmp_path_factory) -> str:
    """The folder of these rules."""
    folder = tmp_path_factory.mktemp("pack")
    for name, (level, safe, condition, mend) in RULES.items():
        check = f'    for op in graph.ops:\n        {condition}:\n            yield op.finding("{name}: not good")'
        text = RULE.format(summary="It is not good.", level=level, safe=safe, check=check, mend=f"    {mend}")
        (folder / f"{name.replace('-', '_')}.py").write_text(text, encoding="utf-8")
    forbidden = RULE.partition("@fix")[0].format(
        summary="ReLU is forbidden.",
        level="error",
        check='    yield from (op.finding("no") for op in graph.find("relu"))',
    )
    (folder / "relu_is_forbidden.py").write_text(forbidden, encoding="utf-8")
    return str(folder)


@pytest.fixture(scope="session")
def session() -> Iterator[engine.Session]:
    """One worker for all tests."""
    with engine.Session() as session:
        yield session


Fix = Callable[..., run.Result]


@pytest.fixture
def fix(pack: str, session: engine.Session) -> Fix:
    """Fixes files with the rules of this folder alone."""

    def run_fix(*paths: Path | str, unsafe: bool = False, select: tuple[str, ...] = (), **options) -> run.Result:
        settings = Settings(select=select or tuple(RULES), local_rules=(pack,))
        return run.fix([str(path) for path in paths], settings, unsafe=unsafe, session=session, **options)

    return run_fix

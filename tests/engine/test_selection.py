"""Which rules run: names, categories, all; opt-in rules; wrong words."""

from dataclasses import replace

import pytest

from nnlint.errors import UsageError
from nnlint.registry import RuleInfo
from nnlint.selection import choose, find_rule

PLAIN = RuleInfo("", "", "", "graph", "", "info", "0.1", True, (), None, (), "nnlint", "", "")
RULES = (
    replace(PLAIN, name="dropout-at-output", category="dropout"),
    replace(PLAIN, name="dropout-before-batch-norm", category="dropout", was=("drop-norm",)),
    replace(PLAIN, name="dropout-without-norm", category="dropout", default=False),
    replace(PLAIN, name="small-batch", category="normalisation"),
)


@pytest.mark.parametrize(
    ("select", "extend", "ignore", "chosen"),
    [
        ("", "", "", "dropout-at-output dropout-before-batch-norm small-batch"),
        ("all", "", "", "dropout-at-output dropout-before-batch-norm dropout-without-norm small-batch"),
        ("dropout", "", "", "dropout-at-output dropout-before-batch-norm dropout-without-norm"),
        ("small-batch", "", "", "small-batch"),
        ("drop-norm", "", "", "dropout-before-batch-norm"),
        ("", "dropout-without-norm", "small-batch", "dropout-at-output dropout-before-batch-norm dropout-without-norm"),
        ("", "", "dropout", "small-batch"),
        ("", "", "all", ""),
        # the more specific word wins, and between equals `ignore`
        ("dropout-at-output", "", "dropout", "dropout-at-output"),
        ("all", "", "dropout", "small-batch"),
        ("dropout", "", "dropout", ""),
        ("all", "dropout-at-output", "all", "dropout-at-output"),
    ],
)
def test_words(select: str, extend: str, ignore: str, chosen: str) -> None:
    assert choose(RULES, select.split(), extend.split(), ignore.split()) == tuple(chosen.split())


@pytest.mark.parametrize("option", ["select", "extend", "ignore"])
def test_a_wrong_word_gets_a_hint(option: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose(RULES, **{option: ["small-bach"]})
    assert "did you mean 'small-batch'?" in str(caught.value)
    assert option in str(caught.value)


def test_find_rule_knows_former_names() -> None:
    assert find_rule(RULES, "drop-norm").name == "dropout-before-batch-norm"
    with pytest.raises(UsageError, match="did you mean 'dropout-at-output'"):
        find_rule(RULES, "dropout-at-outputs")

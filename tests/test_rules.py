"""Every rule file keeps the form, finds its bad examples and nothing in its good ones."""

import pytest

from nnlint import testing
from nnlint.registry import list_rules, load_rules

RULES = [rule for rule in list_rules().rules if rule.pack == "nnlint"]
CATEGORIES = {
    "activation",
    "convolution",
    "data",
    "dropout",
    "loss",
    "network",
    "normalisation",
    "optimisation",
    "cuda",
}


def test_every_pack_can_be_read() -> None:
    assert list_rules().errors == ()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_form(rule) -> None:
    assert testing.form_errors(rule) == []
    assert rule.category in CATEGORIES


@pytest.mark.parametrize("case", testing.cases("nnlint"), ids=str)
def test_example(case: testing.Case) -> None:
    case.check()


def test_what_the_source_says_is_what_is_loaded() -> None:
    loaded = {rule.name: rule for rule in load_rules()}
    assert sorted(loaded) == [rule.name for rule in list_rules().rules]
    for info in list_rules().rules:
        rule = loaded[info.name]
        assert (rule.check.on, rule.category, rule.level, rule.check.default, rule.check.was) == (
            info.on, info.category, info.level, info.default, info.was
        )  # fmt: skip
        assert [(e.name, e.bad, e.input, e.loss) for e in rule.examples] == [
            (e.name, e.bad, e.input, e.loss) for e in info.examples
        ]

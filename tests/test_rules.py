"""Every rule file keeps the form, finds its bad examples and nothing in its good ones."""

import pytest

from nnlint import testing
from nnlint.registry import list_rules, list_tips, load_rules

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


#: what the documentation of nnlint's own rules says, in this order
LABELS = ("The tip:", "What to do:", "What it costs:", "What is known today:", "Quiet when:", "The fix is")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_documentation(rule) -> None:
    expected = [*LABELS[not rule.tips : -1], *([f"The fix is {rule.fix}:"] if rule.fix else [])]
    starts = [rule.doc.find(f"\n{label}") for label in expected]
    assert [label for label, start in zip(expected, starts, strict=True) if start < 0] == []
    assert starts == sorted(starts)
    assert [label for label in (LABELS[0], LABELS[-1]) if label in rule.doc] == [
        label for label, there in ((LABELS[0], rule.tips), (LABELS[-1], rule.fix)) if there
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_tips_exist(rule) -> None:
    assert set(rule.tips) <= {tip.key for tip in list_tips()}


@pytest.mark.parametrize("tip", list_tips(), ids=lambda tip: tip.key)
def test_every_tip_has_a_rule(tip) -> None:
    assert [rule.name for rule in RULES if tip.key in rule.tips]
    assert tip.section in CATEGORIES


@pytest.mark.parametrize("case", testing.cases("nnlint"), ids=str)
def test_example(case: testing.Case) -> None:
    case.check()


@pytest.mark.parametrize("case", testing.fix_cases("nnlint"), ids=str)
def test_fix(case: testing.FixCase) -> None:
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

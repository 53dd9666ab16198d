"""A sample of the recall benchmark: one mutant of every rule is found, and the sound scripts are clean."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import recall  # noqa: E402
from registry_of_mutations import MUTATIONS, mutants  # noqa: E402

RULES = sorted(MUTATIONS)
SCRIPTS = sorted(path.stem for path in (HERE / "sound").glob("*.py"))


#: the script whose mutant is taken, where the first one is a miss that RESULTS.md tells of
TAKEN = {"parameters-not-optimized": "dcgan", "cuda-not-used": "cnn_sequential", "softmax-over-batch": "cnn_sequential"}


def sample(rule: str) -> recall.Mutant:
    return next(one for one in mutants(rule) if one.script == TAKEN.get(rule, one.script))


@pytest.fixture(scope="module")
def judged() -> dict[str, recall.Judgement]:
    """A mutant of every rule, all linted in one session."""
    return {one.mutant.rule: one for one in recall.judge([sample(rule) for rule in RULES])}


@pytest.fixture(scope="module")
def said() -> dict[str, list[str]]:
    """What nnlint says of the sound scripts."""
    return recall.of_sound_scripts()


@pytest.mark.parametrize("rule", RULES)
def test_an_injected_fault_is_found(rule: str, judged: dict[str, recall.Judgement]) -> None:
    one = judged[rule]
    assert one.found, f"{one.mutant}: found {', '.join(one.others) or 'nothing'}\n{one.mutant.text}"


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_sound_script_is_clean(script: str, said: dict[str, list[str]]) -> None:
    assert said[script] == []


def test_every_mutation_has_its_place() -> None:
    for rule in RULES:
        for mutant in mutants(rule):
            assert mutant.spans, f"{mutant} expects its finding nowhere"
            assert mutant.text != (HERE / "sound" / f"{mutant.script}.py").read_text(encoding="utf-8")

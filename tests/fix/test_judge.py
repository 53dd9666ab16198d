"""Two reports of one file compared: what speaks against the edits between them."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from nnlint.finding import Edit, Finding, Fix, Level
from nnlint.fix.judge import objection, vanished
from nnlint.fix.plan import Planned
from nnlint.report.model import FileReport, NetworkReport, Proof
from nnlint.site import Site

STATE = (("0.weight", (4, 8), "torch.float32"),)
PROOF = Proof(((2, 4),), STATE, "e", "t")
NET = NetworkReport("net.py:net", "net.py", "Net", "Net", "traced", inputs=("2x8",), proof=PROOF)
FIX = Fix((Edit(Site("net.py", 1, 1, 1, 2), "y"),), safe=True)


def finding(
    rule: str, message: str = "m", level: Level = "warning", *, line: int = 1, fix: Fix | None = FIX
) -> Finding:
    return Finding(message, Site("net.py", line, 1, line, 2), rule=rule, level=level, fix=fix)


def plan(found: Finding, *, safe: bool = True) -> Planned:
    return Planned(found, safe, {})


def report(*findings: Finding, net: NetworkReport = NET, errors: tuple[str, ...] = ()) -> FileReport:
    return FileReport("net.py", (net,), findings, errors)


A = finding("a")
BEFORE = report(A)


def test_nothing_speaks_against_what_mends() -> None:
    assert objection(BEFORE, report(), [plan(A)]) is None


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (report(A), "a is found all the same"),
        (report(errors=("oh\nmore",)), "the file cannot be examined any more (oh)"),
        (FileReport("net.py"), "`Net` is not found any more"),
        (report(net=replace(NET, status="built", reason="why")), "`Net` does not run any more (why)"),
        (report(net=replace(NET, inputs=("2x9",))), "`Net` is run on another input now (2x9)"),
        (
            report(net=replace(NET, proof=replace(PROOF, outputs=((2, 5),)))),
            "the output of `Net` gets another shape (2x4 becomes 2x5)",
        ),
        (report(net=replace(NET, proof=replace(PROOF, state=()))), "the state_dict of `Net` changes"),
        (report(net=replace(NET, proof=replace(PROOF, evaluation="x"))), "`Net` computes other numbers"),
        (
            report(net=replace(NET, proof=replace(PROOF, evaluation=None, unproven="it raises"))),
            "`Net` does not run with numbers any more (it raises)",
        ),
        (
            report(net=replace(NET, proof=replace(PROOF, training="x"))),
            "`Net` computes other numbers or gradients in training",
        ),
        (report(finding("b", level="error")), "it brings about b (m)"),
        (report(finding("b", fix=None)), "it brings about b (m)"),
    ],
)
def test_what_speaks_against_a_safe_fix(after: FileReport, said: str) -> None:
    assert objection(BEFORE, after, [plan(A)]) == said


def test_an_unsafe_fix_may_change_numbers_and_names() -> None:
    other = replace(NET, proof=Proof(((2, 4),), (), "x", "y"))
    assert objection(BEFORE, report(net=other), [plan(A, safe=False)]) is None


def test_an_unsafe_fix_may_change_inputs_that_were_guessed() -> None:
    other = replace(NET, inputs=("2x9",), proof=replace(PROOF, guessed=True))
    assert objection(BEFORE, report(net=other), [plan(A, safe=False)]) is None
    assert objection(BEFORE, report(net=other), [plan(A)]) == "`Net` is run on another input now (2x9)"


def test_what_was_not_run_with_numbers_is_compared_by_its_structure() -> None:
    one, two = (replace(NET, proof=replace(PROOF, evaluation=None, training=text)) for text in (None, "x"))
    assert objection(report(A, net=one), report(net=two), [plan(A)]) is None


def test_new_findings_that_the_next_pass_mends_are_welcome() -> None:
    assert objection(BEFORE, report(finding("b")), [plan(A)]) is None
    assert objection(BEFORE, report(finding("b", level="info", fix=None)), [plan(A)]) is None  # it is less severe
    unsafe = finding("b", fix=replace(FIX, safe=False))
    assert objection(BEFORE, report(unsafe), [plan(A)]) == "it brings about b (m)"
    assert objection(BEFORE, report(unsafe), [plan(A)], unsafe=True) is None


def test_another_finding_of_the_rule() -> None:
    texts = {os.path.realpath("net.py"): ("x\nz\n", "x\nz\n")}
    elsewhere, same_place = finding("a", "other", line=2), finding("a", "other")
    assert objection(BEFORE, report(elsewhere), [plan(A)], texts=texts) is None
    assert objection(BEFORE, report(same_place), [plan(A)], texts=texts) == "then a is found elsewhere (other)"
    assert objection(BEFORE, report(replace(elsewhere, fix=None)), [plan(A)], texts=texts) is not None
    assert objection(BEFORE, report(replace(elsewhere, level="info", fix=None)), [plan(A)], texts=texts) is None


def test_numbers_in_messages_may_change() -> None:
    before, after = finding("a", "16 parameters"), finding("a", "1,024 parameters")
    assert objection(report(before), report(after), [plan(before)]) == "a is found all the same"


def test_vanished() -> None:
    first, second, other = finding("a", "1"), finding("a", "2"), finding("b")
    assert vanished(report(first, second, other), report(finding("a", "3"))) == [first, other]

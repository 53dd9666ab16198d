"""Rules applied to a graph or a recipe: signed, merged, sorted, and whole although one crashes."""

from collections.abc import Iterator

from nnlint.check import INTERNAL_ERROR, check_graph, check_recipe, severity, tidy
from nnlint.finding import Finding
from nnlint.graph import Graph, Hyper, Op
from nnlint.recipe import Recipe
from nnlint.rule import Check, Rule
from nnlint.site import Site


def op(index: int, name: str, line: int | None) -> Op:
    site = Site("net.py", line, 5, line, 20) if line else None
    return Op(
        index, name, f"layers.{index}", None, "", (), (), (), (), (), Hyper(), (), 0, site, None, False, True, False
    )


def rule(name: str, function, on: str = "graph") -> Rule:
    check = Check(function, on, "house", "warning", "0.1")
    return Rule(name, "", "", check, (), None, "house-pack", "", "")


def every_relu(graph: Graph) -> Iterator[Finding]:
    for relu in graph.find("relu"):
        yield relu.finding(f"{relu} is a relu")


def crash(graph: Graph) -> Iterator[Finding]:
    yield next(graph.find("relu")).finding("found before the crash")
    raise KeyError("oh")


NET = Graph((op(0, "input", None), op(1, "relu", 9), op(2, "relu", 3), op(3, "relu", 9)), name="Net", file="net.py")


def test_findings_are_signed_and_sorted_and_one_an_expression() -> None:
    found = check_graph(NET, [rule("every-relu", every_relu)])
    assert [(f.rule, f.level, f.category, f.network) for f in found] == [("every-relu", "warning", "house", "Net")] * 2
    assert [f.site.line for f in found] == [3, 9]
    assert found[1].paths == ("layers.1", "layers.3")
    assert found[1].message == "`relu` is a relu"


def test_a_rule_chooses_the_level_of_a_finding() -> None:
    from dataclasses import replace

    found = check_graph(NET, [rule("notes", lambda graph: (replace(f, level="info") for f in every_relu(graph)))])
    assert {f.level for f in found} == {"info"}


def test_the_most_severe_of_merged_findings_counts() -> None:
    site = Site("a.py", 1, 1, 1, 2)
    one, two = Finding("m", site, rule="r", level="info"), Finding("m", site, rule="r", level="error")
    assert [f.level for f in tidy([one, two])] == ["error"]


def test_findings_without_a_site_are_merged_only_if_they_say_the_same() -> None:
    assert len(tidy([Finding("a", None, rule="r"), Finding("b", None, rule="r"), Finding("a", None, rule="r")])) == 2


def test_a_crash_is_a_finding_and_the_others_go_on() -> None:
    found = check_graph(NET, [rule("crash", crash), rule("crash-too", crash), rule("every-relu", every_relu)])
    internal = [f for f in found if f.rule == INTERNAL_ERROR]
    assert len(internal) == 2
    assert all(f.level == "error" for f in internal)
    assert "the rule crash of the pack house-pack crashed at test_check.py:" in internal[0].message
    assert "KeyError: 'oh'" in internal[0].message
    assert {f.rule for f in found} == {INTERNAL_ERROR, "crash", "crash-too", "every-relu"}


def test_recipe_rules_see_the_recipe_and_graph_rules_do_not() -> None:
    def epochs(recipe: Recipe) -> Iterator[Finding]:
        yield Finding.about(Site(recipe.file, 1, 1, 1, 2), "epochs")

    rules = [rule("epochs", epochs, on="recipe"), rule("every-relu", every_relu)]
    assert [f.rule for f in check_recipe(Recipe(file="train.py"), rules)] == ["epochs"]
    assert {f.rule for f in check_graph(NET, rules)} == {"every-relu"}


def test_time_is_taken_by_rule() -> None:
    timing: dict[str, float] = {}
    check_graph(NET, [rule("every-relu", every_relu), rule("crash", crash)], timing)
    assert set(timing) == {"every-relu", "crash"}
    assert all(seconds >= 0 for seconds in timing.values())


def test_severity_orders_levels() -> None:
    assert sorted(["info", "error", "warning"], key=severity) == ["error", "warning", "info"]
    assert severity(None) == severity("warning")


def test_a_fix_that_would_change_what_is_not_at_fault_is_not_offered() -> None:
    from dataclasses import replace

    from nnlint.finding import Edit
    from nnlint.rule import FixRule

    def only(*indices: int):
        return lambda graph: (op.finding("it") for op in graph.find("relu") if op.index in indices)

    def fixed(*indices: int) -> list[bool]:
        mending = FixRule(lambda finding: Edit(finding.site, "x") if finding.site else None, safe=True)
        return [f.fix is not None for f in check_graph(NET, [replace(rule("some", only(*indices)), fix=mending)])]

    assert fixed(1, 2, 3) == [True, True]
    assert fixed(2) == [True]
    assert fixed(1) == [False]  # the expression in line 9 runs a second time
    assert fixed(2, 3) == [True, False]
